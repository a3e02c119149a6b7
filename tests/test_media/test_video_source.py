import contextlib
import functools
import http.server
import itertools
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from PIL import Image

from mmrcf.errors import InputError, InputFileError
from mmrcf.media import Frame, LiveSource, open_source, require_source
from mmrcf.media import open as media_open
from mmrcf.utils import container
from mmrcf.utils.demuxer import SharedPacket


def read(path: Path, **options) -> tuple[object, list[Frame]]:
    source = open_source(path, **options)
    with source:
        return source, list(source)


def damage(path: Path, indices: list[int]) -> None:
    """Overwrite the packets of some frames of the video stream."""
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    for index in indices:
        position, size = packets[index]
        content[position : position + size] = bytes(size)
    path.write_bytes(content)


def test_frames_and_times(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    source, frames = read(write_clip(tmp_path / 'clip.mp4'))
    assert (source.height, source.width, source.fps, source.num_frames, source.audio_track) == (64, 96, 10.0, 8, None)
    assert [frame.index for frame in frames] == list(range(8))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(8) / 10, atol=1e-6)
    for frame in frames:
        assert frame.image.shape == (64, 96, 3) and frame.image.dtype == np.uint8 and frame.image.flags.c_contiguous
    red, green, blue = frames[0].image[5, 3].astype(int)
    assert red > 170 and green < 30 and blue < 70, 'images are RGB'
    assert source.skipped == 0


@pytest.mark.parametrize(
    ('name', 'options', 'size'),
    [
        ('portrait.mp4', dict(height=96, width=64), (96, 64)),
        ('odd.mp4', dict(height=97, width=161, pix_fmt='yuv444p'), (97, 161)),
        ('grey.mp4', dict(pix_fmt='gray'), (64, 96)),
        ('ten_bit.mp4', dict(pix_fmt='yuv420p10le'), (64, 96)),
        ('full_range.avi', dict(codec='mjpeg', pix_fmt='yuvj420p'), (64, 96)),
        ('lossless.mkv', dict(codec='ffv1', pix_fmt='yuv420p', height=33, width=47), (33, 47)),
        ('one_frame.mp4', dict(frames=1), (64, 96)),
    ],
)
def test_kinds(tmp_path: Path, write_clip: Callable[..., Path], name: str, options: dict, size: tuple) -> None:
    source, frames = read(write_clip(tmp_path / name, **options))
    assert (source.height, source.width) == size
    assert len(frames) == options.get('frames', 8)
    assert all(frame.image.shape == (*size, 3) for frame in frames)
    if 'gray' in options.values():
        assert np.ptp(frames[0].image.astype(int), axis=-1).max() == 0
    else:
        bright = frames[0].image[size[0] // 3 : size[0] // 2 - 3, 5 : size[1] // 5 - 1].reshape(-1, 3).mean(0)
        np.testing.assert_allclose(bright, (240, 240, 60), atol=25)


def turn(path: Path, turned: Path, rotation: int) -> Path:
    """The same packets with a rotation in the metadata: x264 does not write the same pictures every time."""
    with av.open(str(path)) as source, av.open(str(turned), 'w') as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.set_display_rotation(rotation)
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return turned


@pytest.mark.parametrize(('rotation', 'turns'), [(90, 1), (180, 2), (-90, 3)])
def test_rotation_in_metadata_is_applied(
    tmp_path: Path, write_clip: Callable[..., Path], rotation: int, turns: int
) -> None:
    _, plain = read(write_clip(tmp_path / 'plain.mp4'))
    source, turned = read(turn(tmp_path / 'plain.mp4', tmp_path / 'turned.mp4', rotation))
    assert (source.height, source.width) == ((64, 96) if turns == 2 else (96, 64))
    for one, other in zip(plain, turned, strict=True):
        np.testing.assert_array_equal(np.rot90(one.image, turns), other.image)


def crop_matroska(path: Path, top: int, bottom: int, left: int, right: int) -> Path:
    """Write the cropping into the header of a file, in place of two elements without effect and the padding."""
    video = b'\xb0\x81\x60\xba\x81\x40'  # width 96, height 64
    before = b'\xe0\x8a' + video + b'\x54\xb2\x81\x04\x55\xee\x81\x00' + b'\xec\x01' + bytes(6) + b'\x02' + bytes(2)
    sides = ((0x54BB, top), (0x54AA, bottom), (0x54CC, left), (0x54DD, right))
    crop = b''.join(kind.to_bytes(2, 'big') + bytes((0x81, value)) for kind, value in sides)
    content = path.read_bytes()
    assert content.count(before) == 1
    path.write_bytes(content.replace(before, b'\xe0\x99' + video + crop + b'\xec\x81\x00'))
    return path


@pytest.mark.parametrize('name', ['cropped.mkv', 'cropped.mp4'])
def test_cropping_in_metadata_is_applied_before_rotation(
    tmp_path: Path, write_clip: Callable[..., Path], name: str
) -> None:
    clip = write_clip(tmp_path / 'clip.mkv', codec='mpeg4')
    _, plain = read(clip)
    cropped = turn(crop_matroska(clip, top=1, bottom=5, left=8, right=3), tmp_path / name, 90)
    source, frames = read(cropped)
    assert (source.height, source.width, len(frames)) == (96 - 8 - 3, 64 - 1 - 5, 8)
    for one, other in zip(plain, frames, strict=True):
        np.testing.assert_array_equal(np.rot90(one.image[1:-5, 8:-3]), other.image)


def test_cropping_of_the_codec_is_exact(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.mkv')
    with av.open(str(clip)) as whole, av.open(str(tmp_path / 'cropped.h264'), 'w') as cropped:
        stream = whole.streams.video[0]
        crop = BitStreamFilterContext('h264_mp4toannexb,h264_metadata=crop_left=10:crop_top=6', stream)
        target = cropped.add_stream_from_template(stream)
        for packet in whole.demux(stream):
            for changed in crop.filter(packet if packet.size else None):
                changed.stream = target
                cropped.mux(changed)
    _, plain = read(clip)
    _, frames = read(tmp_path / 'cropped.h264')
    np.testing.assert_array_equal(plain[0].image[6:, 10:], frames[0].image)


def test_variable_frame_rate_keeps_times(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    times = [0, 40, 50, 400, 410, 900]
    path = write_clip(tmp_path / 'vfr.mp4', frames=6, times=times, time_base=Fraction(1, 1000))
    _, frames = read(path)
    np.testing.assert_allclose([frame.time for frame in frames], np.array(times) / 1000, atol=1e-6)


def test_max_size_limits_the_longer_side(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    source, frames = read(write_clip(tmp_path / 'clip.mp4'), max_size=48)
    assert (source.height, source.width) == (32, 48) and frames[0].image.shape == (32, 48, 3)
    with pytest.raises(InputError, match='max_size 3'):
        open_source(tmp_path / 'clip.mp4', max_size=3)


def test_damaged_frame_is_skipped(
    tmp_path: Path, write_clip: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clip(tmp_path / 'clip.avi', codec='mjpeg', pix_fmt='yuvj420p')
    damage(path, [3])
    with caplog.at_level(logging.WARNING):
        source, frames = read(path)
    assert source.skipped == 1
    assert len(frames) == 7 and [round(10 * frame.time) for frame in frames] == [0, 1, 2, 4, 5, 6, 7]
    assert 'clip.avi' in caplog.text and 'skipped' in caplog.text


def test_a_damaged_picture_of_mjpeg_is_left_out(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    """FFmpeg itself shows its upper part."""
    clip = write_clip(tmp_path / 'clip.avi', codec='mjpeg', pix_fmt='yuvj420p')
    content = clip.read_bytes()
    starts = [match.start() for match in re.finditer(rb'\xff\xd8\xff', content)]
    middle, end = (starts[2] + starts[3]) // 2, starts[3] - 40
    clip.write_bytes(content[:middle] + bytes(end - middle) + content[end:])
    source, frames = read(clip)
    assert [frame.index for frame in frames] == [0, 1, 3, 4, 5, 6, 7] and source.skipped == 1


def test_damage_in_h264_does_not_end_the_video(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    path = write_clip(tmp_path / 'clip.mp4', frames=30)
    damage(path, [10, 11, 20])
    source, frames = read(path)
    assert source.skipped >= 1 and len(frames) + source.skipped <= 30 and frames[-1].time == pytest.approx(2.9)


def test_warnings_are_limited(
    tmp_path: Path, write_clip: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clip(tmp_path / 'clip.avi', frames=20, codec='mjpeg', pix_fmt='yuvj420p')
    damage(path, list(range(2, 18)))
    with caplog.at_level(logging.WARNING):
        source, frames = read(path)
    assert source.skipped == 16 and len(frames) == 4
    assert sum('skipped' in record.message for record in caplog.records) == 5


def test_first_frames_damaged(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    path = write_clip(tmp_path / 'clip.avi', codec='mjpeg', pix_fmt='yuvj420p')
    damage(path, [0, 1])
    source, frames = read(path)
    assert source.skipped == 2 and [frame.index for frame in frames] == [2, 3, 4, 5, 6, 7]


def test_streamed_file_cut_off(
    tmp_path: Path, write_clip: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clip(tmp_path / 'clip.avi', frames=20, codec='mjpeg', pix_fmt='yuvj420p')
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with caplog.at_level(logging.WARNING):
        _, frames = read(path)
    assert 5 <= len(frames) <= 12
    assert 'of the 2.0 seconds it announces' in caplog.text


def test_clock_that_starts_again_and_size_that_changes(
    tmp_path: Path, write_clip: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    parts = [write_clip(tmp_path / f'{height}.ts', height=height) for height in (64, 80)]
    joined = tmp_path / 'joined.ts'
    joined.write_bytes(b''.join(part.read_bytes() for part in parts))
    with caplog.at_level(logging.WARNING):
        _, frames = read(joined)
    assert [frame.image.shape for frame in frames] == [(64, 96, 3)] * 16
    np.testing.assert_allclose(np.diff([frame.time for frame in frames]), 0.1, atol=0.01)
    assert 'the size changes to 96x80' in caplog.text


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> set[tuple[int, int]]:
    """Width and height of all frames that come from a decoder."""
    sizes, decode = set(), SharedPacket.decode

    def record(packet: SharedPacket) -> list:
        frames = decode(packet)
        sizes.update((frame.width, frame.height) for frame in frames)
        return frames

    monkeypatch.setattr(SharedPacket, 'decode', record)
    return sizes


def test_a_size_that_grows_over_the_limit_is_not_decoded(
    tmp_path: Path, write_clip: Callable[..., Path], decoded: set, caplog: pytest.LogCaptureFixture
) -> None:
    """Far over it the decoder refuses the frames, before it allocates memory for them."""
    sizes = ((64, 96), (1024, 768), (64, 96), (128, 80))
    parts = [write_clip(tmp_path / f'{index}.ts', width=w, height=h) for index, (w, h) in enumerate(sizes)]
    (tmp_path / 'joined.ts').write_bytes(b''.join(part.read_bytes() for part in parts))
    source, frames = read(tmp_path / 'joined.ts', max_pixels=10_000)
    assert len(frames) == 16 and {frame.image.shape for frame in frames} == {(96, 64, 3)}
    assert decoded == {(64, 96), (128, 80)} and 14 <= source.skipped <= 16, 'threads may report two errors as one'
    _, frames = read(tmp_path / 'joined.ts', max_pixels=1024 * 768)
    assert len(frames) == 32 and decoded == set(sizes)
    caplog.clear()
    (tmp_path / 'joined.ts').write_bytes(parts[0].read_bytes() + parts[3].read_bytes())
    source, _ = read(tmp_path / 'joined.ts', max_pixels=128 * 80 - 1)
    assert source.skipped == 8 and '128x80 is more than 10239 pixels' in caplog.text


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('clip.mp4', {}),
        ('clip.mkv', dict(codec='libvpx-vp9')),
        ('clip.avi', dict(codec='mpeg4')),
        ('pictures.avi', dict(codec='mjpeg', pix_fmt='yuvj420p')),
        ('still.dpx', dict(codec='dpx', pix_fmt='rgb24', frames=1)),
    ],
)
def test_max_pixels_is_exact(
    name: str, options: dict, tmp_path: Path, write_clip: Callable[..., Path], decoded: set
) -> None:
    """Decoders pad the sides, and compare that with their limit."""
    clip = write_clip(tmp_path / name, **dict(dict(height=650, width=1010, frames=2), **options))
    assert len(read(clip, max_pixels=1010 * 650)[1]) == options.get('frames', 2)
    decoded.clear()
    for limit in (1010 * 650 - 1, 10_000):
        with pytest.raises(InputError, match=f'more than {limit} pixels'):
            open_source(clip, max_pixels=limit)
        assert limit > 10_000 or not decoded


def test_http(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    write_clip(tmp_path / 'clip.mkv', audio='aac')
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source, frames = read(f'http://127.0.0.1:{server.server_port}/clip.mkv')
        with pytest.raises(InputFileError, match='404'):
            open_source(f'http://127.0.0.1:{server.server_port}/gone.mkv')
        server.shutdown()
    assert len(frames) == 8 and source.audio_track


@pytest.mark.parametrize(('kind', 'count'), [('WEBP', 3), ('GIF', 3), ('PNG', 3), ('JPEG', 1)])
def test_an_image_over_http_is_that_of_its_file(kind: str, count: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 24, 32, 3), np.uint8)
    first, *others = map(Image.fromarray, noise)
    options = dict(save_all=True, append_images=others, duration=200) if count > 1 else {}
    first.save(tmp_path / 'image', kind, **options)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _, frames = read(f'http://127.0.0.1:{server.server_port}/image')
        server.shutdown()
    _, expected = read(tmp_path / 'image')
    assert len(frames) == len(expected) == count
    for frame, other in zip(frames, expected, strict=True):
        np.testing.assert_array_equal(frame.image, other.image)
        assert frame.time == other.time


class UnknownLength(http.server.BaseHTTPRequestHandler):
    """An old server: the end of its answer is that of the connection. A folder is sent as a camera does, JPEGs only."""

    def do_GET(self) -> None:
        path = Path(self.server.folder) / self.path[1:]
        if path.name == 'locked' and self.headers['Authorization'] != 'Basic dTpwQHM=':  # u:p@s
            self.send_response(401)
            self.send_header('WWW-Authenticate', 'Basic realm="camera"')
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        if not path.is_dir():
            self.wfile.write(path.read_bytes())
            return
        for image in sorted(path.iterdir()):
            self.wfile.write(image.read_bytes())
            time.sleep(0.1)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def old_server(tmp_path: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), UnknownLength) as server:
        server.folder = tmp_path
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


def test_an_answer_of_unknown_length_ends_without_a_warning(
    tmp_path: Path, write_clip: Callable[..., Path], old_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_clip(tmp_path / 'clip.mkv')
    _, frames = read(old_server.replace('http', 'HTTP') + '/clip.mkv')
    assert len(frames) == 8 and not caplog.text


@pytest.mark.parametrize('count', [2, 5])
def test_a_short_answer_of_unknown_length(tmp_path: Path, old_server: str, count: int) -> None:
    """FFmpeg itself says 'Input/output error'."""
    content = b''.join(cv2.imencode('.jpg', np.full((24, 32, 3), 40 * index))[1].tobytes() for index in range(count))
    for name in ('all', 'locked'):
        (tmp_path / name).write_bytes(content)
    address = old_server.removeprefix('http://')
    for url in (f'{old_server}/all', f'http://u:p%40s@{address}/locked'):
        _, frames = read(url)
        assert [round(frame.image.mean() / 40) for frame in frames] == list(range(count))
    with pytest.raises(InputError, match=rf'stream http://\*\*\*@{address}/locked: cannot be opened'):
        open_source(f'http://u:wrong@{address}/locked')


@pytest.mark.parametrize(
    ('url', 'reason'),
    [
        ('http://127.0.0.1:9/my clip.mp4?token=secret', 'Connection refused'),
        ('http://127.0.0.1:9/видео.mp4?token=secret', 'Connection refused'),
        ('http://127.0.0.1:9/\udcff.mp4?token=secret', 'Connection refused'),
        ('http://127.0.0.1:port/clip.mp4?token=secret', ''),
        ('http://my host:9/clip.mp4?token=secret', ''),
        ('http://[::1/clip.mp4?token=secret', ''),
        ('http://видео:9/clip.mp4?token=secret', ''),
        ('http://?token=secret', ''),
    ],
)
def test_mistakes_in_an_address_are_one_line(url: str, reason: str) -> None:
    with pytest.raises(InputFileError, match=rf'cannot be opened \(.*{reason}.*\)') as caught:
        open_source(url)
    assert 'secret' not in str(caught.value) and '\n' not in str(caught.value)


def test_a_server_that_speaks_another_protocol_is_one_line() -> None:
    for answer in (b'RTSP/1.0 400 Bad Request\r\nCSeq: 0\r\n\r\n', b'', b'\xff' * 5000):
        with socket.create_server(('127.0.0.1', 0)) as server:

            def serve(server: socket.socket = server, answer: bytes = answer) -> None:
                with contextlib.suppress(OSError):
                    while True:
                        connection, _ = server.accept()
                        with connection:
                            connection.recv(4096)
                            connection.sendall(answer)

            threading.Thread(target=serve, daemon=True).start()
            with pytest.raises(InputFileError, match='stream http://') as caught:
                open_source(f'http://127.0.0.1:{server.getsockname()[1]}/camera')
            assert '\n' not in str(caught.value) and len(str(caught.value)) < 300
            server.shutdown(socket.SHUT_RDWR)


def test_names_with_spaces_and_other_letters_are_found(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, url in (('my clip.mp4', 'my clip.mp4'), ('видео.mkv', 'видео.mkv'), ('50%.mkv', '50%25.mkv')):
            write_clip(tmp_path / name)
            assert len(read(f'http://127.0.0.1:{server.server_port}/{url}')[1]) == 8
        server.shutdown()


def test_images_that_stop_in_an_answer_end_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The frames so far are kept: their outputs are written."""
    monkeypatch.setattr(media_open, 'STREAM_TIMEOUT', 0.5)
    images = [cv2.imencode('.png', np.full((24, 32, 3), 40 * index))[1].tobytes() for index in range(4)]

    class Stalls(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header('Content-Length', '100000')
            self.end_headers()
            self.wfile.write(b''.join(images)[:-40])
            done.wait(20)

        def log_message(self, *_: object) -> None:
            pass

    done = threading.Event()
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Stalls) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source, frames = read(f'http://127.0.0.1:{server.server_port}/images')
        done.set()
        server.shutdown()
    assert [frame.index for frame in frames] == [0, 1, 2] and source.skipped == 1
    assert f'stream http://127.0.0.1:{server.server_port}/images: reading stops here (timed out)' in caplog.text


def test_images_of_a_camera_have_the_times_of_their_arrival(tmp_path: Path, old_server: str) -> None:
    (tmp_path / 'camera').mkdir()
    noise = np.random.default_rng(0)
    for index in range(20):
        Image.fromarray(noise.integers(0, 255, (200, 300, 3), np.uint8)).save(tmp_path / 'camera' / f'{index:02d}.jpg')
    source, frames = read(old_server + '/camera')
    assert isinstance(source, LiveSource) and len(frames) > 3
    steps = np.array([frame.time for frame in frames]) / 0.04
    assert np.abs(steps - steps.round()).max() > 0.01, 'not the 25 a second that FFmpeg guesses'


def test_a_protocol_that_ffmpeg_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, '_has_protocol', lambda scheme: False)
    for use in (open_source, require_source):
        with pytest.raises(InputError, match=r'stream srt://: the FFmpeg in PyAV was built without srt'):
            use('srt://user:secret@host:1')
    monkeypatch.undo()
    assert container._has_protocol('http') and not container._has_protocol('gopher2')


def make_bad_input(tmp_path: Path, write_clip: Callable[..., Path], kind: str) -> tuple[str, str]:
    """A path that cannot be used, and a part of the message it must give."""
    path = tmp_path / f'{kind}.mp4'
    if kind == 'missing':
        return str(path), 'no such file'
    if kind == 'empty':
        path.touch()
        return str(path), 'the file is empty'
    if kind == 'text':
        path.write_text('this is no video\n' * 50)
        return str(path), 'not a readable video'
    if kind == 'truncated':
        write_clip(path)
        path.write_bytes(path.read_bytes()[:-700])
        return str(path), 'damaged'
    if kind == 'audio_only':
        with av.open(str(path), 'w') as container:
            stream = container.add_stream('aac', rate=16000, layout='mono')
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), format='s16', layout='mono')
            frame.rate = 16000
            container.mux(list(itertools.chain(stream.encode(frame), stream.encode(None))))
        return str(path), 'holds no video stream'
    if kind == 'all_damaged':
        path = write_clip(path.with_suffix('.avi'), codec='mjpeg', pix_fmt='yuvj420p')
        damage(path, list(range(8)))
        return str(path), 'no frame of it can be read'
    if kind == 'folder':
        path.mkdir()
        return str(path), 'holds no images'
    if kind == 'camera':
        return '97', 'camera 97'
    if kind == 'glob':
        return str(tmp_path / '*.jpg'), 'holds no images'
    if kind == 'scheme':
        return 'gopher://localhost/1', 'unknown kind'
    if kind == 'stream':
        return 'http://127.0.0.1:9/clip.mp4', 'cannot be opened'
    raise AssertionError(kind)


KINDS = ['missing', 'empty', 'text', 'truncated', 'audio_only', 'all_damaged']
KINDS += ['folder', 'camera', 'glob', 'scheme', 'stream']


@pytest.mark.parametrize('kind', KINDS)
def test_bad_input_gives_one_line(tmp_path: Path, write_clip: Callable[..., Path], kind: str) -> None:
    source, expected = make_bad_input(tmp_path, write_clip, kind)
    with pytest.raises(InputError) as caught:
        open_source(source)
    message = str(caught.value)
    assert expected in message and source in message and '\n' not in message
    if kind in ('missing', 'empty', 'folder', 'camera', 'glob', 'stream'):
        assert isinstance(caught.value, InputFileError | FileNotFoundError)
