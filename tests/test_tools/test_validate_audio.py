"""tools/dataset_converters/validate_ytvis.py --audio: audio files, and times of frames."""

import copy
import json

import numpy as np
import pytest

RATE = 8000


@pytest.fixture
def content() -> dict:
    """Three videos of four frames at two frames a second."""
    videos = [
        dict(id=index, height=20, width=30, length=4, fps=2, file_names=[f'{name}/{t}.jpg' for t in range(4)])
        for index, name in enumerate(('a', 'b', 'c'), 1)
    ]
    return dict(videos=videos, categories=[dict(id=1, name='cat')], annotations=None)


@pytest.fixture
def check(tmp_path, write_wav, load_script, capsys):
    """``check(content, {'a': 2.0}, *arguments)``: exit code and lines; a file for each name, of so many seconds."""

    def run(content: dict, seconds: dict, *arguments: str) -> tuple[int, list[str]]:
        folder = tmp_path / 'audio'
        folder.mkdir(exist_ok=True)
        for name, length in seconds.items():
            path = folder / f'{name}.wav'
            if isinstance(length, bytes):
                path.write_bytes(length)
            else:
                write_wav(path, np.zeros((round(length * RATE), 2), np.int16), RATE)
        path = tmp_path / 'instances.json'
        path.write_text(json.dumps(content))
        with pytest.raises(SystemExit) as stop:
            load_script('tools/dataset_converters/validate_ytvis.py').main([str(path), *arguments])
        output = capsys.readouterr()
        lines = (output.out + output.err).replace(f'{tmp_path}/', '').splitlines()
        return stop.value.code or 0, [line for line in lines if 'annotations: missing' not in line]

    return run


def test_audio_that_fits_is_not_mentioned(check, content, tmp_path):
    code, lines = check(content, dict(a=2.0, b=1.2, c=2.9), '--audio', str(tmp_path / 'audio'))
    assert code == 0 and lines == ['instances.json: 0 errors, 1 warning']


def test_missing_short_and_long_audios_are_notes(check, content, tmp_path):
    report = tmp_path / 'report.json'
    code, lines = check(content, dict(a=0.5, b=7.0), '--audio', str(tmp_path / 'audio'), '--json', str(report))
    assert code == 0
    assert lines == [
        'note: video 1: audio: audio/a.wav: lasts 0.50 s, much shorter than the video with 2.00 s',
        'note: video 2: audio: audio/b.wav: lasts 7.00 s, much longer than the video with 2.00 s',
        'note: video 3: audio: audio/c.wav: no such file; the video is without audio',
        'instances.json: 0 errors, 1 warning, 3 notes',
    ]
    assert [problem['video_id'] for problem in json.loads(report.read_text())[-3:]] == [1, 2, 3]


def test_audios_that_cannot_be_read_are_errors(check, content, tmp_path):
    files = dict(a=b'this is text', b=b'', c=0.0)
    code, lines = check(content, files, '--audio', str(tmp_path / 'audio'))
    assert code == 1
    assert lines[0].startswith('error: video 1: audio: audio audio/a.wav: ')
    assert lines[1].startswith('error: video 2: audio: audio audio/b.wav: the file is empty')
    assert lines[2] == 'note: video 3: audio: audio/c.wav: holds no audio'
    assert lines[3] == 'instances.json: 2 errors, 1 warning, 1 note'


def test_times_are_checked_with_the_audio(check, content, tmp_path):
    broken = copy.deepcopy(content)
    broken['videos'][0]['timestamps'] = [0, 1, 1, 2]
    broken['videos'][1]['fps'] = -1
    broken['videos'][2] |= dict(timestamps=[0, 5, 10, 15], fps=0)
    files = dict(a=2.0, b=2.0, c=20.0)
    code, lines = check(broken, files, '--audio', str(tmp_path / 'audio'))
    assert code == 1 and lines[:-1] == [
        "error: video 1: timestamps: 'timestamps[2]' is 1 after 1; times must grow, correct them",
        "error: video 2: fps: 'fps' is -1, expected a positive number of frames a second; correct it",
    ]
    code, lines = check(broken, files)
    assert code == 0 and lines == ['instances.json: 0 errors, 1 warning']


def test_frames_a_second_that_the_file_does_not_say(check, content, tmp_path):
    for video in content['videos'][:2]:
        del video['fps']
    files, arguments = dict(a=4.0, b=4.0, c=2.0), ('--audio', str(tmp_path / 'audio'))
    code, lines = check(content, files, *arguments)
    assert code == 0 and lines[0].startswith('warning: videos: fps: 2 of 3 videos have neither timestamps nor fps')
    code, lines = check(content, files, *arguments, '--fps', '1')
    assert code == 0 and lines == ['instances.json: 0 errors, 1 warning']
    code, lines = check(content, files, *arguments, '--fps', '0')
    assert code == 2 and lines == ['error: fps=0.0: expected a positive number of frames a second']


def test_another_suffix_and_no_folder(check, content, tmp_path):
    code, lines = check(content, dict(a=2.0), '--audio', str(tmp_path / 'audio'), '--audio-suffix', '.flac')
    assert code == 0 and sum(line.endswith('.flac: no such file; the video is without audio') for line in lines) == 3
    code, lines = check(content, {}, '--audio', str(tmp_path / 'nowhere'))
    assert code == 2 and lines == ['error: audio folder nowhere: no such folder; check the path']


def test_entries_that_are_no_videos_are_passed_over(check, content, tmp_path):
    content['videos'] += [3, dict(id='x', height=20, width=30, file_names=['0.jpg']), dict(id=9, file_names=[])]
    code, lines = check(content, dict(a=2.0, b=2.0, c=2.0), '--audio', str(tmp_path / 'audio'), '--fps', '1')
    assert code == 1
    assert any(line.startswith("error: videos[4]: file_names[0]: '0.jpg' is in no folder") for line in lines)
