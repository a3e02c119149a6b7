"""Secrets in URLs reach no message and no result."""

import pickle
from pathlib import Path

import pytest

from mmrcf.apis.track_export import video_name
from mmrcf.errors import InputError, InputFileError
from mmrcf.media import ImageSource, open_source
from mmrcf.urls import source_name, without_credentials


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('rtsp://user:password@host:554/stream', 'rtsp://***@host:554/stream'),
        ('http://token@host/clip.mp4', 'http://***@host/clip.mp4'),
        ('rtsp://user:p@ss/wo?rd#1@host/stream', 'rtsp://***@host/stream'),
        ('rtsp://user:pass word@host/stream', 'rtsp://***@host/stream'),
        ('http://host/clip.mp4?user=me&key=secret', 'http://host/clip.mp4?***'),
        ('http://host:8080/@me/clip.mp4', 'http://host:8080/@me/clip.mp4'),
        ("left out 'rtsp://a:b@c/d', then http://e:f@g/h?i", "left out 'rtsp://***@c/d', then http://***@g/h?***"),
        ('folder/12:30@home.mp4', 'folder/12:30@home.mp4'),
        ('what is http://host/? a folder', 'what is http://host/? a folder'),
        ('rtmp://host/live/secret', 'rtmp://host/live/***'),
        (
            'stream RTMPS://u:p@host:1935/live/secret/more: no answer',
            'stream RTMPS://***@host:1935/live/***: no answer',
        ),
        ('rtmp://host/live', 'rtmp://host/live'),
        ('image http:/user:secret@host/a.jpg: no such file', 'image http:/***@host/a.jpg: no such file'),
        ('rtsp://1.2.3.4/user=admin&password=s3cret&channel=1', 'rtsp://1.2.3.4/user=admin&password=***&channel=1'),
        ('http://h/a;token=s3cret', 'http://h/a;token=***'),
        ('http://h/a#access_token=s3cret', 'http://h/a#access_token=***'),
        ('rtsp://admin:123/45@10.0.0.1/x', 'rtsp://***@10.0.0.1/x'),
        ('rtsp://admin:123/45@camera:554/x', 'rtsp://***@camera:554/x'),
        ('http://h/live/pass=s3cret/auth=s3cret&sig=s3cret', 'http://h/live/pass=***/auth=***&sig=***'),
        (
            "see 'http%3A%2F%2Fh%2Fx%3Ftoken%3Ds3cret' or rtsp%3a%2f%2fu%3Ap%40h",
            "see 'http%3A%2F%2F***' or rtsp%3a%2f%2f***",
        ),
        ('--cfg-options: expected key=value', '--cfg-options: expected key=value'),
    ],
)
def test_credentials_are_masked(text: str, shown: str) -> None:
    assert without_credentials(text) == shown == without_credentials(shown)
    error = InputFileError(text)
    assert str(error) == str(InputError(text)) == shown == str(pickle.loads(pickle.dumps(error)))


def test_the_name_of_a_source_has_no_secret_behind_a_space() -> None:
    assert source_name('http://host/a?token=secret more secret') == 'http://host/a?***'
    assert source_name(Path('a file.mp4')) == 'a file.mp4' and source_name(0) == '0' and source_name([]) == 'frames'


@pytest.mark.parametrize(
    ('url', 'name'),
    [('rtmp://host/live/secret', 'live'), ('http://u:p?w@host/clip.mp4?secret', 'clip'), ('udp://u:p@host:1', 'host')],
)
def test_the_name_of_a_video_has_no_secret(url: str, name: str) -> None:
    assert video_name(url) == name


def test_urls_in_lists(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / 'a.pgm').write_bytes(b'P5 1 1 255 a')
    url = 'http://user:secret@host/a.jpg?token=secret'
    with pytest.raises(InputError, match='no image can be read') as caught:
        open_source([url])
    source = ImageSource([tmp_path / 'a.pgm', Path(url)], '2 images')
    assert len(list(source)) == 1
    assert 'secret' not in ' '.join((str(caught.value), caplog.text, *source.file_names)) and '***@host' in caplog.text


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('input me:secret@10.0.0.1/a: no such file', 'input ***@10.0.0.1/a: no such file'),
        ('me:secret@cam.local:554/a', '***@cam.local:554/a'),
        ('input 12:30@home.mp4: no such file', 'input 12:30@home.mp4: no such file'),
        ('folder/12:30@10.0.0.1', 'folder/12:30@10.0.0.1'),
    ],
)
def test_a_password_is_masked_where_the_scheme_was_forgotten(text: str, expected: str) -> None:
    assert without_credentials(text) == expected
