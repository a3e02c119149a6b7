"""Images, videos, audio files and what names them: valid small files made by code, damaged byte by byte."""

import contextlib
import io
import itertools
import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

import mmrcf.utils.container
from mmrcf.audio.file import read_audio, read_wav_segment
from mmrcf.datasets.annotations.view import read_names
from mmrcf.datasets.converters.class_table import read_class_table, read_name_list
from mmrcf.datasets.orientation import file_orientation
from mmrcf.media import open_source
from mmrcf.utils import read_image
from mutations import mutate_bytes, mutate_text, with_png_checksums
from target import Target, run_each

# A damaged file may hold far more frames than the valid one.
MAX_FRAMES = 200
WIDTH, HEIGHT = 48, 32
# What only the file has that a playlist must not reach.
SECRET_WIDTH = 80


def _pictures(count: int = 3) -> list[np.ndarray]:
    """(H, W, 3) uint8."""
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return [np.roll(noise, 4 * index, axis=1) for index in range(count)]


def images(folder: Path) -> Target:
    """Image files of every format, stacks and animations, and images one after the other."""
    pictures = [Image.fromarray(picture) for picture in _pictures()]
    exif = Image.Exif()
    exif[0x112] = 6
    encoded = [
        *(_saved(pictures[0], kind=kind) for kind in ('BMP', 'PPM', 'JPEG2000')),
        *(_saved(pictures[0], kind=kind, exif=exif) for kind in ('JPEG', 'PNG', 'WEBP', 'TIFF', 'AVIF')),
        *(_saved(*pictures, kind=kind, save_all=True) for kind in ('MPO', 'TIFF', 'PNG', 'WEBP', 'AVIF')),
        _saved(pictures[0], kind='JPEG', progressive=True),
        *(
            _saved(pictures[0], kind='TIFF', compression=name)
            for name in ('tiff_deflate', 'tiff_lzw', 'jpeg', 'packbits')
        ),
        *(_saved(pictures[0].convert(mode), kind='PNG') for mode in ('P', '1', 'LA', 'I;16')),
    ]
    deep = np.arange(HEIGHT * WIDTH * 3, dtype=np.uint16).reshape(HEIGHT, WIDTH, 3)
    for suffix, values in (('.png', deep), ('.tif', deep), ('.tif', deep.astype(np.float32))):
        encoded.append(cv2.imencode(suffix, values)[1].tobytes())
    encoded.append(b''.join(encoded[:13]))  # one after the other

    def make(rng: random.Random) -> bytes:
        content = mutate_bytes(rng.choice(encoded), rng, encoded)
        return with_png_checksums(content) if content[1:4] == b'PNG' and rng.random() < 0.7 else content

    def run(path: Path) -> None:
        with contextlib.suppress(OSError):  # as it says
            file_orientation(path)
        run_each((lambda: read_image(path), lambda: _frames(path)))

    return Target(make, run, '.img', 'image files, stacks and animations', encoded)


def _saved(picture: Image.Image, *others: Image.Image, kind: str, **options: object) -> bytes:
    # Pillow keeps the options of the last time in a picture.
    first, *rest = (one.copy() for one in (picture, *others))
    file = io.BytesIO()
    first.save(file, kind, **options, **(dict(append_images=rest) if rest else {}))
    return file.getvalue()


def _frames(path: Path, **options: object) -> list[np.ndarray]:
    with open_source(path, **options) as source:
        return [frame.image for frame in itertools.islice(source, MAX_FRAMES)]


def videos(folder: Path) -> Target:
    """Video files with audio in the usual containers."""
    kinds = [
        ('mp4', 'libx264', 'aac'),
        ('mov', 'mpeg4', 'pcm_s16le'),
        ('matroska', 'libx264', 'aac'),
        ('webm', 'libvpx', 'libopus'),
        ('avi', 'mjpeg', 'mp3'),
        ('mpegts', 'mpeg2video', 'mp2'),
        ('flv', 'flv1', 'aac'),
        ('gif', 'gif', None),
        ('nut', 'rawvideo', 'pcm_s16le'),
    ]
    encoded = [_movie(*kind) for kind in kinds]

    def make(rng: random.Random) -> bytes:
        return mutate_bytes(rng.choice(encoded), rng, encoded)

    return Target(make, lambda path: _frames(path, audio=True), '.vid', 'video files with their audio', encoded)


def _movie(container_format: str, codec: str, audio_codec: str | None, frames: int = 8, width: int = WIDTH) -> bytes:
    file = io.BytesIO()
    with av.open(file, 'w', format=container_format) as container:
        video = container.add_stream(codec, rate=25)
        video.width, video.height = width, HEIGHT
        video.pix_fmt = {'mjpeg': 'yuvj420p', 'gif': 'rgb8', 'rawvideo': 'rgb24'}.get(codec, 'yuv420p')
        audio = container.add_stream(audio_codec, rate=48000) if audio_codec else None
        for index, picture in enumerate(_pictures(frames)):
            frame = av.VideoFrame.from_ndarray(np.resize(picture, (HEIGHT, width, 3)), format='rgb24')
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            _add_tone(container, audio, frames / 25)
    return file.getvalue()


def _add_tone(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    rate = stream.rate
    tone = (8000 * np.sin(np.arange(round(seconds * rate)) / 20)).astype(np.int16)
    layout = stream.layout
    frame = av.AudioFrame.from_ndarray(np.repeat(tone, layout.nb_channels)[None], format='s16', layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    resampler = av.AudioResampler(stream.format, layout, rate, frame_size=stream.frame_size or None)
    for part in (*resampler.resample(frame), *resampler.resample(None)):
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))


def audio(folder: Path) -> Target:
    """Audio files, whole and in segments."""
    kinds = [
        *(('wav', codec) for codec in ('pcm_s16le', 'pcm_u8', 'pcm_s24le', 'pcm_f32le', 'adpcm_ima_wav')),
        *(('flac', 'flac'), ('mp3', 'mp3'), ('ogg', 'libopus'), ('ipod', 'aac'), ('aiff', 'pcm_s16be')),
    ]
    encoded = [_sound(*kind) for kind in kinds]

    def make(rng: random.Random) -> bytes:
        return mutate_bytes(rng.choice(encoded), rng, encoded)

    def run(path: Path) -> None:
        run_each((lambda: read_audio(path).patch(1.0), lambda: read_wav_segment(path, 0.1, 1e6)))

    return Target(make, run, '.snd', 'audio files', encoded)


def _sound(container_format: str, codec: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, 'w', format=container_format) as container:
        _add_tone(container, container.add_stream(codec, rate=48000), 0.3)
    return file.getvalue()


def lists(folder: Path) -> Target:
    """Playlists, and text files that name videos, sequences and classes."""
    inside, outside = folder / 'inside', folder / 'outside'
    for place, width in ((inside, WIDTH), (outside, SECRET_WIDTH)):
        place.mkdir()
        for name, kind in (('a.ts', ('mpegts', 'mpeg2video', 'mp2')), ('a.mp4', ('mp4', 'libx264', 'aac'))):
            (place / name).write_bytes(_movie(*kind, width=width))
    (inside / 'b.m3u8').write_text(f'#EXTM3U\n#EXTINF:1,\n{outside}/a.ts\n')
    (inside / 'link.ts').symlink_to(outside / 'a.ts')
    names = [
        *('a.ts', 'a.mp4', './a.ts', 'b.m3u8', 'link.ts', '/dev/zero', 'http://127.0.0.1:9/a.ts', 'data:,x', 'pipe:0'),
        *(f'{prefix}{outside}/a.ts' for prefix in ('', 'file:', 'file://', 'concat:', 'crypto+file://', 'subfile,,:')),
        *('../outside/a.ts', 'x/../../outside/a.ts', f'concat:{outside}/a.ts|a.ts', '\0', 'é', 'a.ts\r' + str(outside)),
    ]
    lines = [
        *('#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-TARGETDURATION:1', '#EXTINF:0.3,', '#EXT-X-ENDLIST', 'a.ts'),
        *('#EXT-X-STREAM-INF:BANDWIDTH=1', 'ffconcat version 1.0', 'duration 0.3', '<MPD>', '# note', 'key class'),
        *('#EXT-X-BYTERANGE:100@0', 'inpoint 0', 'stream', '{"a": "b"}', '{"a": {"1": "c"}}', 'option safe 0'),
    ]

    valid = [
        b'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.3,\na.ts\n#EXT-X-ENDLIST\n',
        b'ffconcat version 1.0\nfile a.ts',
    ]
    valid += [b'{"a": "b"}', b'key class', b'a']

    def line(rng: random.Random) -> str:
        name = rng.choice(names)
        forms = (f'file {name}', f"file '{name}'", f'#EXT-X-MAP:URI="{name}"', f'#EXT-X-KEY:METHOD=AES-128,URI={name}')
        return rng.choice((rng.choice(lines), name, *forms))

    def make(rng: random.Random) -> bytes:
        starts = ('#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.3,', 'ffconcat version 1.0', '{"a": "b"}', 'a b', 'a')
        text = '\n'.join([rng.choice(starts), *(line(rng) for _ in range(rng.randint(0, 6)))])
        if rng.random() < 0.3:
            text = mutate_text(text, rng)
        content = text.encode('utf-8', 'surrogatepass')
        return mutate_bytes(content, rng) if rng.random() < 0.2 else content

    def play(path: Path) -> None:
        mmrcf.utils.container.STREAM_TIMEOUT = 0.5  # most lists have no end mark; FFmpeg waits for more of them
        sizes = {picture.shape[1] for picture in _frames(path)}
        if SECRET_WIDTH in sizes:
            raise AssertionError('a playlist has left its folder')

    def run(path: Path) -> None:
        listed = inside / 'list.m3u8'
        listed.write_bytes(path.read_bytes())
        readers: Sequence[Callable[[Path], object]] = (
            play,
            read_class_table,
            read_name_list,
            lambda listed: read_names(listed, 'only'),
        )
        run_each([lambda reader=reader: reader(listed) for reader in readers])

    return Target(make, run, '.m3u8', 'playlists and lists of names', valid)
