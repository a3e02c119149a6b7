"""What a source may open in turn, and what messages say of it."""

import gc
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mmrcf.errors import InputError, InputFileError
from mmrcf.inputs import kept_inputs
from mmrcf.media import open_source
from mmrcf.urls import scheme_of
from mmrcf.utils import atomic_output, container
from mmrcf.utils.container import PROTOCOLS, check_playlist


@pytest.mark.parametrize('scheme', ['http', 'rtsp', 'rtmp', 'ftp'])
@pytest.mark.parametrize('as_audio', [False, True])
def test_messages_hold_no_credentials(
    tmp_path: Path, write_clip: Callable[..., Path], scheme: str, as_audio: bool
) -> None:
    url = f'{scheme}://user:secret@127.0.0.1:9/stream?key=secret'
    with pytest.raises(InputError) as caught:
        open_source(write_clip(tmp_path / 'clip.mp4') if as_audio else url, audio=url if as_audio else False)
    assert 'secret' not in str(caught.value) and f'{scheme}://***@127.0.0.1:9/stream' in str(caught.value)


def test_names_with_colons_are_files(in_tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(in_tmp_path / 'clip.mp4')
    for name in ('12:30.mp4', 'http:clip.mp4', 'concat:a|b.mp4', 'pipe:0'):
        shutil.copy(clip, name)
        assert len(list(open_source(name))) == 8
    assert len(list(open_source(f'file://{in_tmp_path}/12%3A30.mp4'))) == 8
    with pytest.raises(InputFileError, match='no such file'):
        open_source('concat:clip.mp4|clip.mp4')


@pytest.mark.parametrize('scheme', ['ftp', 'gopher', 'tcp', 'data', 'concat', 'subfile', 'mms'])
def test_other_schemes_are_refused(scheme: str) -> None:
    assert scheme not in PROTOCOLS and scheme_of(f'{scheme.upper()}://host/x') == scheme
    with pytest.raises(InputError, match=f'unknown kind {scheme}://'):
        open_source(f'{scheme}://host/x')


def playlist(path: Path, *names: str) -> Path:
    lines = ['#EXTM3U', '#EXT-X-TARGETDURATION:1', *(f'#EXTINF:1,\n{name}' for name in names), '#EXT-X-ENDLIST', '']
    path.parent.mkdir(exist_ok=True)
    path.write_text('\n'.join(lines))
    return path


@pytest.fixture
def segments(tmp_path: Path, write_clip: Callable[..., Path]) -> Path:
    """A folder 'list' with a segment in it and below it, and one beside it."""
    clip = write_clip(tmp_path / 'outside.ts')
    for name in ('list/inside.ts', 'list/below/inside.ts'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(clip, tmp_path / name)
    (tmp_path / 'list' / 'link.ts').symlink_to(clip)
    return tmp_path / 'list'


@pytest.mark.parametrize('name', ['inside.ts', 'below/inside.ts', '../list/inside.ts'])
def test_a_playlist_reads_beside_it_and_below(segments: Path, name: str) -> None:
    assert len(list(open_source(playlist(segments / 'a.m3u8', name)))) == 8


def test_what_a_playlist_lacks_is_named(segments: Path, caplog: pytest.LogCaptureFixture) -> None:
    """FFmpeg leaves it out without a word."""
    with open_source(playlist(segments / 'a.m3u8', 'gone.ts', 'inside.ts', 'lost.ts')) as source:
        assert len(list(source)) == 8
    assert 'a.m3u8: is without 2 files that it names (gone.ts, lost.ts); left out' in caplog.text


@pytest.mark.parametrize(
    'name',
    ['../outside.ts', '{root}/outside.ts', 'file://{root}/outside.ts', 'link.ts', 'http://127.0.0.1:9/a.ts']
    + [
        'data:video/mp2t;base64,AAAA',
        'concat:{root}/outside.ts',
        'crypto:{root}/outside.ts',
        '../list/../outside.ts',
        'x/' + 5000 * './',
    ],
)
@pytest.mark.parametrize('nested', [False, True])
def test_a_playlist_reads_nothing_else(segments: Path, name: str, nested: bool) -> None:
    path = playlist(segments / 'a.m3u8', name.format(root=segments.parent))
    if nested:
        path = segments / 'master.m3u8'
        path.write_text('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\na.m3u8\n')
    with pytest.raises(InputFileError, match=f'video {path}'):
        open_source(path)


@pytest.mark.parametrize('tag', ['KEY:METHOD=AES-128,', 'MAP:', 'MEDIA:TYPE=AUDIO,GROUP-ID="a",'])
def test_a_tag_names_nothing_else(segments: Path, tag: str) -> None:
    path = playlist(segments / 'a.m3u8', 'inside.ts')
    path.write_text(path.read_text().replace('#EXTINF', f'#EXT-X-{tag}URI="../outside.ts"\n#EXTINF'))
    with pytest.raises(InputFileError, match=r'names \.\./outside\.ts'):
        open_source(path)


@pytest.mark.parametrize(
    'attributes',
    [
        r'URI="..\/outside.ts"',
        r'URI="\.\./outside.ts"',
        r'URI="inside.ts\"/../../outside.ts"',
        'NAME="URI=",URI="../outside.ts"',
        'URI=link.ts /..',
        ' , URI=link.ts',
    ],
)
def test_a_tag_names_what_ffmpeg_reads_of_it(segments: Path, attributes: str) -> None:
    path = playlist(segments / 'a.m3u8', 'inside.ts')
    path.write_text(path.read_text().replace('#EXTINF', f'#EXT-X-MAP:{attributes}\n#EXTINF'))
    with pytest.raises(InputFileError, match='names .*; a local playlist may name files beside it'):
        open_source(path)


@pytest.mark.parametrize('space', ['\f', '\xa0', '\x85', '\x1c'])
def test_a_name_may_end_in_what_is_no_space_to_ffmpeg(segments: Path, space: str) -> None:
    (segments / f'x{space}').mkdir()
    (segments / 'a.ffconcat').write_text(f'ffconcat version 1.0\nfile x{space}/../../outside.ts\n', newline='')
    with pytest.raises(InputFileError, match='a local playlist may name files beside it'):
        open_source(segments / 'a.ffconcat')


def test_a_name_that_ffmpeg_takes_for_a_query(segments: Path) -> None:
    (segments / 'below' / 'a').mkdir()
    (segments / '?').symlink_to('below/a')
    with pytest.raises(InputFileError, match='a local playlist may name files beside it'):
        open_source(playlist(segments / 'a.m3u8', '?/../../outside.ts'))


@pytest.mark.parametrize('content', ['#' * 2**24, '#\n' * 2**23, '#EXT-X-MAP:' + 'A' * 4068 + '=a,URI="link.ts.x"'])
def test_a_playlist_that_is_not_read_whole_is_refused(segments: Path, content: str) -> None:
    for head in ('#EXTM3U', 'ffconcat version 1.0'):
        (segments / 'a.list').write_text(f'{head}\n{content}\nfile ../outside.ts\n')
        with pytest.raises(InputFileError, match=r'a\.list: (is a playlist|has a line) of more than'):
            open_source(segments / 'a.list')


def test_a_dash_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'a.mpd').write_text('<?xml version="1.0"?><MPD type="static"></MPD>')
    with pytest.raises(InputFileError, match='is a DASH manifest'):
        open_source(tmp_path / 'a.mpd')


@pytest.mark.parametrize(
    'name',
    ['../outside.ts', '{root}/outside.ts', 'http://127.0.0.1:9/a.ts', 'link.ts', "'..'/outside.ts", '.\\./outside.ts'],
)
def test_a_list_to_join_reads_nothing_else(segments: Path, name: str) -> None:
    path = segments / 'list.txt'
    path.write_text(f'ffconcat version 1.0\nfile {name.format(root=segments.parent)}\n')
    with pytest.raises(InputFileError, match='a local playlist may name files beside it'):
        open_source(path)


def test_a_list_to_join_sets_no_options(segments: Path) -> None:
    (segments / 'list.txt').write_text('ffconcat version 1.0\nfile inside.ts\noption protocol_whitelist file,tcp\n')
    with pytest.raises(InputFileError, match='sets options'):
        open_source(segments / 'list.txt')


def test_a_list_to_join_may_name_any_file_beside_it(segments: Path) -> None:
    shutil.copy(segments / 'inside.ts', segments / "it's a clip.ts")
    (segments / 'list.txt').write_text("ffconcat version 1.0\nfile 'it'\\''s a clip.ts'\nfile below/inside.ts\n")
    with kept_inputs():
        assert len(list(open_source(segments / 'list.txt'))) == 16
        with pytest.raises(InputError, match='is an input'), atomic_output(segments / "it's a clip.ts"):
            pass


@pytest.mark.slow
def test_an_open_stream_that_is_dropped(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    """It used to end the process: the garbage collector took the container apart while it was open."""
    for index in range(4):
        write_clip(tmp_path / f'{index}.ts', frames=20)
    path = playlist(tmp_path / 'a.m3u8', *(f'{index}.ts' for index in range(4)))
    for _ in range(10):
        source = open_source(path)
        assert next(iter(source)).index == 0
        del source
        gc.collect()


@pytest.mark.parametrize('text', ['#EXTM3U\n#EXTINF:1\nseg.ts\n', "ffconcat version 1.0\nfile 'seg.ts'\nduration 1\n"])
def test_what_a_playlist_names_is_an_input_too(text: str, tmp_path: Path) -> None:
    (tmp_path / 'list').write_text(text)
    (tmp_path / 'seg.ts').write_bytes(b'x')
    with kept_inputs():
        check_playlist(tmp_path / 'list', 'video list')
        for name in ('seg.ts', 'list'):
            with pytest.raises(InputError, match='is an input of this command'), atomic_output(tmp_path / name):
                pass
    (tmp_path / 'list').write_text(text.replace('seg.ts', '../seg.ts'))
    with pytest.raises(InputError, match='beside it or below it'):
        check_playlist(tmp_path / 'list', 'video list')


def test_links_in_a_circle_are_no_way_out(tmp_path: Path) -> None:
    (tmp_path / 'a.ts').symlink_to('b.ts')
    (tmp_path / 'b.ts').symlink_to('a.ts')
    (tmp_path / 'list.m3u8').write_text('#EXTM3U\n#EXTINF:1,\na.ts\n')
    check_playlist(tmp_path / 'list.m3u8', 'list')
    with pytest.raises(InputError, match='list.m3u8'):
        open_source(tmp_path / 'list.m3u8')


def test_a_playlist_without_an_end_mark_has_an_end(
    tmp_path: Path, write_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, 'STREAM_TIMEOUT', 1.0)
    write_clip(tmp_path / 'a.ts', frames=30)
    (tmp_path / 'list.m3u8').write_text('#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:3,\na.ts\n')
    try:
        assert len(list(open_source(tmp_path / 'list.m3u8'))) == 30
    except InputFileError as error:  # FFmpeg wanted more of it to begin
        assert 'no data came in time' in str(error)
