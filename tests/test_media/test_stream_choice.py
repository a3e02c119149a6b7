"""Of several streams the one that a player shows; streams over HTTP; side data, edit lists."""

import functools
import http.server
import io
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from mmrcf.errors import InputError, InputFileError
from mmrcf.media import LiveSource, VideoWriter, open_source


def write_streams(path: Path, videos: list[tuple[int, Disposition]], tones: list[tuple] = ()) -> Path:
    """Five frames at 10 a second: video streams by width and disposition, audio by value, disposition and language."""
    with av.open(str(path), 'w') as container:
        streams = []
        for width, disposition in videos:
            stream = container.add_stream('mpeg4', rate=10)
            stream.width, stream.height, stream.disposition = width, 32, disposition
            streams.append(stream)
        for value, disposition, *language in tones:
            stream = container.add_stream('pcm_s16le', rate=8000, layout='mono')
            stream.disposition = disposition
            if language:
                stream.metadata['language'] = language[0]
            streams.append((stream, value))
        for index in range(5):
            for stream in streams:
                if isinstance(stream, tuple):
                    stream, value = stream
                    samples = np.full((1, 800), round(value * 32768), np.int16)
                    frame = av.AudioFrame.from_ndarray(samples, format='s16', layout='mono')
                    frame.sample_rate, frame.pts, frame.time_base = 8000, 800 * index, Fraction(1, 8000)
                else:
                    frame = av.VideoFrame.from_ndarray(np.zeros((32, stream.width, 3), np.uint8), format='rgb24')
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux((stream[0] if isinstance(stream, tuple) else stream).encode(None))
    return path


NONE, DEFAULT = Disposition(0), Disposition.default


@pytest.mark.parametrize(
    ('videos', 'width'),
    [
        ([(48, NONE), (64, DEFAULT), (96, NONE)], 64),
        ([(48, NONE), (96, NONE), (64, NONE)], 96),
        ([(48, DEFAULT), (96, DEFAULT)], 96),
    ],
)
def test_video(tmp_path: Path, videos: list, width: int) -> None:
    source = open_source(write_streams(tmp_path / 'clip.mkv', videos))
    assert source.width == width and len(list(source)) == 5


def test_audio(tmp_path: Path) -> None:
    path = write_streams(tmp_path / 'clip.mkv', [(48, DEFAULT)], [(0.25, NONE), (0.5, DEFAULT)])
    with open_source(path, audio=True) as source:
        samples = np.concatenate([frame.audio.samples for frame in source if frame.audio])
    np.testing.assert_array_equal(samples, 0.5)


@pytest.mark.parametrize('suffix', ['.mkv', '.mp4'])  # where the audio is copied, and where it is encoded
def test_the_language_of_the_audio_goes_into_the_output(suffix: str, tmp_path: Path) -> None:
    tones = [(0.25, NONE, 'eng'), (0.5, DEFAULT, 'deu')]
    path = write_streams(tmp_path / 'clip.mkv', [(48, DEFAULT)], tones)
    with open_source(path) as source, VideoWriter(tmp_path / f'out{suffix}', source) as writer:
        for frame in source:
            writer.add(frame.image, frame.time)
    with av.open(str(tmp_path / f'out{suffix}')) as container:
        assert [stream.metadata['language'] for stream in container.streams.audio] == ['deu']


@contextmanager
def served(handler: Callable) -> Iterator[str]:
    """The URL of a server."""
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


def test_an_adaptive_stream_loads_its_best_variant(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    master = '#EXTM3U\n'
    for name, size in (('low', 32), ('high', 128)):
        lines = '#EXTM3U\n#EXT-X-TARGETDURATION:4\n'
        for index in range(6):
            write_clip(tmp_path / f'{name}{index}.ts', frames=40, height=size, width=size)
            lines += f'#EXT-X-DISCONTINUITY\n#EXTINF:4,\n{name}{index}.ts\n'
        (tmp_path / f'{name}.m3u8').write_text(lines + '#EXT-X-ENDLIST\n')
        master += f'#EXT-X-STREAM-INF:BANDWIDTH={1000 * size}\n{name}.m3u8\n'
    (tmp_path / 'master.m3u8').write_text(master)
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_args: object) -> None:
            asked.append(self.path)

    with served(functools.partial(Handler, directory=str(tmp_path))) as url, open_source(f'{url}/master.m3u8') as clip:
        assert clip.width == 128 and len(list(clip)) == 240
    assert '/high5.ts' in asked and '/low5.ts' not in asked
    assert open_source(tmp_path / 'master.m3u8').width == 128, 'the same from a folder'


def test_a_playlist_of_a_server_reads_no_files(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.ts')
    lines = f'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{clip}\n#EXT-X-ENDLIST\n'
    (tmp_path / 'a.m3u8').write_text(lines)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with served(handler) as url, pytest.raises(InputFileError, match='not a readable video'):
        open_source(f'{url}/a.m3u8')


def test_a_camera_over_http_is_live() -> None:
    """20 pictures a second for two seconds; a slow consumer gets the newest, with the times at which they came."""
    pictures = []
    for index in range(40):
        content = io.BytesIO()
        Image.new('RGB', (32, 16), (6 * index, 0, 0)).save(content, 'JPEG')
        pictures.append(content.getvalue())

    class Camera(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_args: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
            self.end_headers()
            for picture in pictures:
                head = f'--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n'
                self.wfile.write(head.encode() + picture + b'\r\n')
                time.sleep(0.05)

    with served(Camera) as url, open_source(url) as camera:
        assert isinstance(camera, LiveSource) and camera.num_frames is None
        started, lags, last = time.monotonic(), [], 0.0
        for frame in camera:
            lags.append(time.monotonic() - started - frame.time)
            last = frame.time
            time.sleep(0.2)
    assert camera.dropped > 10 and len(lags) < 20
    assert max(lags) - min(lags) < 0.5, 'it does not fall behind'
    assert last > 1.5, 'frames counted at 25 a second would end there'


def exif_jpeg(orientation: int) -> bytes:
    """A JPEG file, left half white, with an orientation."""
    image = Image.new('RGB', (64, 32))
    image.paste((255, 255, 255), (0, 0, 32, 32))
    exif, content = Image.Exif(), io.BytesIO()
    exif[0x112], exif[0x10F] = orientation, 'camera'
    image.save(content, 'JPEG', exif=exif)
    return content.getvalue()


@pytest.mark.parametrize(
    ('orientation', 'shape', 'white'),
    [(1, (32, 64), np.s_[:, :24]), (2, (32, 64), np.s_[:, 40:]), (3, (32, 64), np.s_[:, 40:])]
    + [(6, (64, 32), np.s_[:24]), (7, (64, 32), np.s_[40:]), (8, (64, 32), np.s_[40:])],
)
def test_side_data_of_an_unknown_kind(tmp_path: Path, orientation: int, shape: tuple, white: tuple) -> None:
    path = tmp_path / 'clip.avi'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mjpeg', rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 32, 'yuvj420p'
        for index in range(3):
            packet = av.Packet(exif_jpeg(orientation))
            packet.stream, packet.time_base = stream, Fraction(1, 10)
            packet.pts = packet.dts = index
            container.mux(packet)
    frames = list(open_source(path))
    assert len(frames) == 3 and frames[0].image.shape == (*shape, 3)
    assert frames[0].image[white].min() > 240 and frames[0].image.mean() == pytest.approx(127.5, abs=3)


def test_an_edit_list_is_no_early_end(
    tmp_path: Path, write_clip: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    """Players leave out the frames before time 0, the container counts them."""
    clip = write_clip(tmp_path / 'clip.mp4', frames=30)
    with av.open(str(clip)) as source, av.open(str(tmp_path / 'cut.mp4'), 'w') as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.pts, packet.dts = (round(time - 1.5 / packet.time_base) for time in (packet.pts, packet.dts))
                packet.stream = stream
                target.mux(packet)
    with av.open(str(tmp_path / 'cut.mp4')) as container:
        assert container.streams.video[0].frames == 30
    with caplog.at_level(logging.WARNING):
        frames = list(open_source(tmp_path / 'cut.mp4'))
    assert len(frames) < 20 and not caplog.records


def test_a_count_of_frames_is_an_estimate(
    tmp_path: Path, write_clip: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    times = [0, 20, 40, 60, 80, 1900, 1920]
    clip = write_clip(tmp_path / 'vfr.ts', frames=7, times=times, time_base=Fraction(1, 1000), rate=50)
    with caplog.at_level(logging.WARNING):
        assert len(list(open_source(clip))) == 7
    assert not caplog.records


def test_frames_that_are_too_large_are_not_decoded(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.mp4')
    with pytest.raises(InputError, match='96x64 is more than 6143 pixels'):
        open_source(clip, max_pixels=6143)
    assert len(list(open_source(clip, max_pixels=6144))) == 8
