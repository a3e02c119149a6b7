"""The tables of real videos from made-up files."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mmrcf.errors import InputError

NOT_MEASURED = 'Not yet measured.'
PAGE = Path(__file__).resolve().parents[2] / 'configs/real/README.md'


@pytest.fixture
def write_real_page(load_script) -> Callable[..., None]:
    return load_script('tools/benchmarks/real_page.py').write_real_page


@pytest.fixture
def tables(write_real_page, tmp_path: Path) -> Callable[..., list[list[str]]]:
    """``tables(files, names)``: the three parts of the page that are written, as lines."""

    def write(files: dict[str, dict], names: list[str]) -> list[list[str]]:
        page = Path(shutil.copy(PAGE, tmp_path / 'README.md'))
        for name, content in files.items():
            (tmp_path / f'{name}.json').write_text(json.dumps(content))
        write_real_page(page, tmp_path, names)
        parts = [page.read_text().split(f'<!-- {name}:')[1] for name in ('real-rows', 'real-sequences', 'real-errors')]
        return [part.splitlines()[1:] for part in parts]

    return write


@pytest.fixture
def made_up() -> dict:
    """A file of a row."""
    return dict(
        config='configs/real/small.py',
        checkpoint='work_dirs/small/iter_20000.pth',
        sha256='0123abcd',
        seed=0,
        iterations=20000,
        note='12 hours',
        videos={
            'vis/AP': 12.34,
            'region/J': 0.61249,
            'region/J/walk': 0.5,
            'region/J/bear': 0.75,
            'order/id_switches': 31.0,
        },
        images={'vis/AP': 20.06, 'vis/AP50': 40.0, 'vis/AP50_person': 55.55},
        latency=dict(fps=11.26, end_to_end=dict(p50=88.8), size=[640, 360], threads=2, processor='A processor'),
        torch='2.11.0',
        machine={},
    )


def test_without_files(tables, write_real_page, tmp_path: Path) -> None:
    assert tables({}, ['a', 'b']) == [[NOT_MEASURED]] * 3
    write_real_page(tmp_path / 'README.md', tmp_path / 'missing', ['a'])


def test_a_row(tables, made_up: dict) -> None:
    rows, sequences, _ = tables({'small': made_up}, ['small'])
    assert rows == [
        '| row | seed | iterations | images AP | images AP50 | images AP50 person | videos AP | J of best track '
        '| ID switches | FPS | note |',
        '| ' + ' | '.join(['---'] * 11) + ' |',
        '| [small](small.py) | 0 | 20,000 | 20.1 | 40.0 | 55.5 | 12.3 | 0.612 | 31 | 11.3 | 12 hours |',
        '',
        'FPS of small: from an encoded frame to its masks, 640x360, 2 threads, A processor.',
    ]
    assert sequences == [
        '| sequence | small |',
        '| --- | --- |',
        '| bear | 0.750 |',
        '| walk | 0.500 |',
    ]


def test_rows_stand_in_their_order_and_what_is_missing_below_them(tables, made_up: dict) -> None:
    other = made_up | dict(
        config='configs/rcf/rcf_r18_ytvis19.py', seed=None, iterations=None, latency=None, note='as published'
    )
    other['images'], other['videos'] = {'vis/AP50_person': -1.0}, {'vis/AP': 1.0, 'region/J/bear': -1.0}
    files = {'small': made_up, 'other': other, 'stranger': made_up}
    rows, sequences, _ = tables(files, ['later', 'other', 'small', 'last'])
    assert rows[2] == ('| [other](../rcf/rcf_r18_ytvis19.py) |  |  |  |  | - | 1.0 |  |  |  | as published |')
    assert rows[3].startswith('| [small](small.py) |')
    assert rows[-1] == 'Not measured, since their checkpoints are not in the repository: later, last.'
    assert sequences[2:] == ['| bear | - | 0.750 |', '| walk |  | 0.500 |']


def test_without_sequences(tables, made_up: dict) -> None:
    made_up['videos'] = {'vis/AP': 1.0}
    assert tables({'small': made_up}, ['small'])[1] == [NOT_MEASURED]


def test_errors_of_the_rows_that_have_them(tables, made_up: dict) -> None:
    losses = ('classification', 'localisation', 'both', 'duplicate', 'background', 'missed')
    figures = {f'errors/dAP_{name}': 1.04 + number for number, name in enumerate(losses)}
    figures |= {'errors/recall_small': 12.34, 'errors/recall_medium': 50.0, 'errors/recall_large': -1.0}
    measured = made_up | dict(images=made_up['images'] | {'errors/AP50': 40.0} | figures)
    assert tables({'old': made_up, 'new': measured}, ['old', 'new', 'later'])[2] == [
        '| row | AP50 | classification | localisation | both | duplicate | background | missed '
        '| recall, small | recall, medium | recall, large |',
        '| ' + ' | '.join(['---'] * 11) + ' |',
        '| new | 40.0 | 1.0 | 2.0 | 3.0 | 4.0 | 5.0 | 6.0 | 12.3 | 50.0 | - |',
    ]


def test_a_cut_file_is_named(write_real_page, tmp_path: Path) -> None:
    (tmp_path / 'a.json').write_text('{"config": ')
    with pytest.raises(InputError, match=r'a.json: not valid JSON'):
        write_real_page(Path(shutil.copy(PAGE, tmp_path)), tmp_path, ['a'])
