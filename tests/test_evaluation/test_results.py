import json
import runpy
import sys
import zipfile
from pathlib import Path

import pytest

from mmrcf.errors import InputError, InputFileError
from mmrcf.evaluation import parse_ground_truth, parse_results, read_results

BOX = (10, 20, 30, 40)
TOOL = Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'eval_results.py'


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'video_id': 3}, 'entry 0: video_id 3 is not in'),
        ({'video_id': '1'}, "entry 0: video_id: is '1', expected a whole number"),
        ({'category_id': 1}, 'entry 0: category_id 1 is not in'),
        ({'score': float('nan')}, 'score: is nan, expected a finite number'),
        ({'score': 10**400}, 'score: is 1000.*, expected a finite number'),
        ({'score': '0.5'}, "score: is '0.5', expected a whole number or a number"),
        ({'segmentations': [None]}, r'has 1 entry, but video 1 \(clip1\) has 2 frames'),
        ({'segmentations': [None, {'size': [30, 32], 'counts': 'PS3'}]}, r'segmentations\[1\]: RLE size is \[30, 32\]'),
        ({'segmentations': [None, [[0, 0, 9, 0, 9, 9]]]}, r'segmentations\[1\]: expected null or a compressed RLE'),
        ({'segmentations': [None, {'size': [300, 320], 'counts': [96000]}]}, 'compressed RLE'),
        ({'segmentations': [None, {'size': [300, 320]}]}, 'compressed RLE'),
        ({'segmentations': [None, {'size': [300, 320], 'counts': 'P'}]}, 'the string is cut'),
    ],
)
def test_bad_entry(annotations, result, change, message):
    truth = parse_ground_truth(annotations([(1, 'cat', [BOX, BOX])]))
    with pytest.raises(InputError, match=message):
        parse_results([{**result(1, 10, [BOX, None]), **change}], truth)


def test_content_that_is_no_list(annotations):
    with pytest.raises(InputError, match='expected a list of tracks, found str'):
        parse_results('tracks', parse_ground_truth(annotations([(1, 'cat', [BOX])])))


def test_zip_without_results_at_its_root(tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as archive:
        archive.writestr('folder/results.json', '[]')
    with pytest.raises(InputError, match=r'no results.json at the root of the zip \(found folder/results.json\)'):
        read_results(tmp_path / 'a.zip')


def test_zip_with_broken_json(tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as archive:
        archive.writestr('results.json', '[{')
    with pytest.raises(InputError, match='results.json: not valid JSON'):
        read_results(tmp_path / 'a.zip')


def test_missing_file(tmp_path):
    with pytest.raises(InputFileError, match='no such file'):
        read_results(tmp_path / 'a.zip')


class TestTool:
    @pytest.fixture
    def run(self, monkeypatch, tmp_path, annotations, result, capsys):
        (tmp_path / 'ann.json').write_text(json.dumps(annotations([(1, 'cat', [BOX, BOX])])))
        (tmp_path / 'results.json').write_text(json.dumps([result(1, 10, [BOX, BOX])]))

        def call(*arguments):
            monkeypatch.setattr(sys, 'argv', ['eval_results.py', *map(str, arguments)])
            code = 0
            try:
                runpy.run_path(str(TOOL), run_name='__main__')
            except SystemExit as end:
                code = end.code
            return code, capsys.readouterr()

        return call

    def test_table(self, run, tmp_path):
        options = ('--classwise', '--json', tmp_path / 'figures.json')
        code, said = run(tmp_path / 'results.json', tmp_path / 'ann.json', *options)
        assert code == 0
        lines = said.out.splitlines()
        assert lines[0] == '1 track, 1 video, 2 categories'
        assert lines[2].split() == ['100.00', '100.00', '100.00', '100.00', '-', '-', '100.00', '100.00']
        assert lines[3:] == ['cat  100.00', 'dog       -']
        assert json.loads((tmp_path / 'figures.json').read_text())['AP'] == pytest.approx(100)

    def test_tracking_and_fsla(self, run, tmp_path, annotations, result):
        """An ID switch in the middle, and a track of low score that the option leaves out."""
        pytest.importorskip('trackeval')
        (tmp_path / 'ann.json').write_text(json.dumps(annotations([(1, 'cat', [BOX] * 4)])))
        halves = [result(1, 10, [BOX, BOX, None, None]), result(1, 10, [None, None, BOX, BOX])]
        noise = dict(result(1, 20, [BOX] * 4), score=0.1)
        (tmp_path / 'results.json').write_text(json.dumps([*halves, noise]))
        files = (tmp_path / 'results.json', tmp_path / 'ann.json', '--tracking', '--fsla', '--classwise')
        expected = dict(HOTA=100 * 0.5**0.5, DetA=100, AssA=50, IDF1=50, ID_switches=1, FSLA=50)
        for threshold, changes in (('0.5', {}), ('0', dict(DetA=50, FSLA=0))):
            code, said = run(*files, '--score-thr', threshold, '--json', tmp_path / 'figures.json')
            assert code == 0
            figures = json.loads((tmp_path / 'figures.json').read_text())
            if changes:
                assert {name: figures[name] for name in changes} == pytest.approx(changes)
                assert figures['dog/DetA'] == 0 and figures['cat/AssA'] == pytest.approx(50)
                continue
            assert {name: figures[name] for name in expected} == pytest.approx(expected)
            printed = dict(line.split() for line in said.out.splitlines()[5:])
            assert {name: float(printed[name]) for name in expected} == pytest.approx(expected, abs=0.005)
            assert 'dog/HOTA' not in printed

    def test_bad_input_is_one_line(self, run, tmp_path):
        code, said = run(tmp_path / 'nothing.json', tmp_path / 'ann.json')
        assert code == 2 and said.err.count('\n') == 1 and 'nothing.json: no such file' in said.err


@pytest.mark.parametrize('content', [b'[' * 100_000 + b']' * 100_000, b'[' + b'9' * 5_000 + b']', b'[\xff]', b''])
def test_a_zip_of_what_is_no_json_is_named(tmp_path, content):
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as archive:
        archive.writestr('results.json', content)
    with pytest.raises(InputError, match=r'results .*a\.zip: results\.json: '):
        read_results(tmp_path / 'a.zip')


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / 'a.zip'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('results.json', b'[' + b' ' * 100_000 + b']')
    assert path.stat().st_size < 1000 and read_results(path) == []
    with pytest.raises(InputError, match=r'results\.json unpacks to more than 100001 bytes'):
        read_results(path, max_bytes=100_001)
