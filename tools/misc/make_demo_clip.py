"""Write a clip for the demo (mp4, H.264): photographs under a moving camera, or synthetic videos with their audio.

    python tools/misc/make_demo_clip.py photographs --out demo/photographs.mp4

Two people and a cat: photographs that scikit-image and matplotlib install, on a plain wall under a camera that pans
and zooms. Nothing is downloaded.

The synthetic sample clips are test videos three times as long as those of the benchmark:

    python tools/misc/make_shapes.py --out outputs/long --variant shapes --splits test=8 --frames 72
    python tools/misc/make_demo_clip.py synthetic outputs/long/test --videos 0002 --out demo/shapes.mp4
    python tools/misc/make_shapes.py --out outputs/long_av --variant shapes_av --splits test=8 --frames 72
    python tools/misc/make_demo_clip.py synthetic outputs/long_av/test --videos 0007 --out demo/shapes_av.mp4
"""

import argparse
import importlib.util
import itertools
import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from mmrcf.command_line import start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument('--out', type=Path, required=True, help='the mp4')
    common.add_argument('--crf', type=int, default=16, choices=range(52), metavar='0..51', help='default: %(default)s')
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest='kind', required=True)
    kinds.add_parser('photographs', parents=[common], help='two people and a cat under a moving camera, without audio')
    synthetic = kinds.add_parser('synthetic', parents=[common], help='videos of a synthetic split, with their audio')
    synthetic.add_argument('split', type=Path, help='folder of a split, e.g. data/shapes/test')
    synthetic.add_argument('--videos', nargs='+', required=True, help='names of the videos, e.g. 0001')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from tqdm import tqdm

from mmrcf.utils import atomic_output, counted, read_json, require_file, require_folder

BT709 = 1
"""The number of the standard in an H.264 header."""


@dataclass(frozen=True)
class Photograph:
    """A photograph in an installed package.

    Attributes:
        package: The package whose folder holds it.
        path: Its place in that folder.
        columns: First and last column (exclusive) that the clip shows, in pixels.
        height: Height on the canvas, in pixels.
    """

    package: str
    path: str
    columns: tuple[int, int]
    height: int

    def read(self) -> np.ndarray:
        """The photograph: uint8 [height, width, 3], BGR.

        Raises:
            InputError: The package is not installed, or has no such photograph.
        """
        spec = importlib.util.find_spec(self.package)
        if spec is None:
            raise InputError(f"{self.package}: is not installed; run `make env` or pip install -e '.[dev]'")
        path = require_file(Path(spec.origin).parent / self.path, 'photograph')
        image = cv2.imread(str(path))
        if image is None:
            raise InputError(f'photograph {path}: not a readable image; install {self.package} again')
        return image


# From left to right. Close up, they would fill the frame, and the shipped weights are trained on smaller objects.
PHOTOGRAPHS = {
    'grace_hopper': Photograph('matplotlib', 'mpl-data/sample_data/grace_hopper.jpg', (0, 512), 300),
    'astronaut': Photograph('skimage', 'data/astronaut.png', (0, 376), 300),
    'chelsea': Photograph('skimage', 'data/chelsea.png', (0, 451), 200),
}
CANVAS_HEIGHT = 600
MARGIN, GAP = 110, 170
"""Pixels of the canvas beside the outer photographs, and between two."""
WALL = (128, 128, 128)
CLIP_WIDTH, CLIP_HEIGHT = 640, 360
CLIP_FPS = 15
# Seconds, left edge, top edge and height of what the camera sees, in pixels of the canvas. It rests at every line.
CAMERA = (
    (0.0, 0, 0, 600),
    (2.5, 40, 20, 560),
    (7.0, 260, 20, 560),
    (10.0, 270, 0, 600),
)


@dataclass(frozen=True)
class Placement:
    """Where a photograph lies on the canvas: x' = scale * x + left, y' = scale * y + top."""

    scale: float
    left: int
    top: int


def place_photographs(images: dict[str, np.ndarray]) -> dict[str, Placement]:
    """Places of the photographs side by side, in pixels of the canvas, all at mid-height."""
    places, left = {}, MARGIN
    for name, image in images.items():
        (first, last), height = PHOTOGRAPHS[name].columns, PHOTOGRAPHS[name].height
        scale = height / image.shape[0]
        places[name] = Placement(scale, left - round(first * scale), (CANVAS_HEIGHT - height) // 2)
        left += round((last - first) * scale) + GAP
    return places


def paint_canvas(images: dict[str, np.ndarray], places: dict[str, Placement]) -> np.ndarray:
    """The photographs on the wall: uint8 [CANVAS_HEIGHT, width, 3], BGR."""
    ends = [round(PHOTOGRAPHS[name].columns[1] * place.scale) + place.left for name, place in places.items()]
    canvas = np.full((CANVAS_HEIGHT, max(ends) + MARGIN, 3), WALL, np.uint8)
    for name, image in images.items():
        place, height = places[name], PHOTOGRAPHS[name].height
        first, last = (round(column * place.scale) for column in PHOTOGRAPHS[name].columns)
        size = (round(image.shape[1] * place.scale), height)
        shown = cv2.resize(image, size, interpolation=cv2.INTER_AREA)[:, first:last]
        canvas[place.top : place.top + height, first + place.left : last + place.left] = shown
    return canvas


def camera_windows() -> list[tuple[float, float, float]]:
    """Left edge, top edge and scale (clip pixels per canvas pixel) of each frame; smooth from line to line."""
    times, *values = (np.array(column, float) for column in zip(*CAMERA, strict=True))
    now = np.arange(round(times[-1] * CLIP_FPS)) / CLIP_FPS
    segment = np.searchsorted(times, now, side='right') - 1
    share = (now - times[segment]) / (times[segment + 1] - times[segment])
    share = share**2 * (3 - 2 * share)
    left, top, height = (value[segment] + share * (value[segment + 1] - value[segment]) for value in values)
    return list(zip(left.tolist(), top.tolist(), (CLIP_HEIGHT / height).tolist(), strict=True))


def film_canvas(canvas: np.ndarray, oversampling: int = 2) -> Iterator[np.ndarray]:
    """What the camera sees, frame by frame: uint8 [CLIP_HEIGHT, CLIP_WIDTH, 3], BGR.

    Args:
        canvas: As :func:`paint_canvas` gives it.
        oversampling: Samples of a pixel along each axis, so that fine structure does not flicker.
    """
    for left, top, scale in camera_windows():
        scale *= oversampling
        matrix = np.array([[scale, 0, -scale * left], [0, scale, -scale * top]])
        size = (CLIP_WIDTH * oversampling, CLIP_HEIGHT * oversampling)
        fine = cv2.warpAffine(canvas, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        yield cv2.resize(fine, (CLIP_WIDTH, CLIP_HEIGHT), interpolation=cv2.INTER_AREA)


def find_videos(split: Path, names: list[str]) -> list[dict[str, Any]]:
    """The entries of the named videos in a split's annotation file, in the order of ``names``."""
    path = split / 'instances.json'
    known = {video['file_names'][0].split('/')[0]: video for video in read_json(path, 'annotation file')['videos']}
    for name in names:
        if name not in known:
            raise InputError(f'{path}: has no video {name!r}; it has {min(known)} to {max(known)}')
    videos = [known[name] for name in names]
    shapes = {(video['height'], video['width'], video['fps']) for video in videos}
    height, width, _ = min(shapes)
    if len(shapes) > 1 or height % 2 or width % 2:
        raise InputError(f'{path}: the clip needs videos of one size, even in pixels, and one frame rate')
    return videos


def read_frames(split: Path, videos: list[dict[str, Any]]) -> Iterator[np.ndarray]:
    """The frames of the videos, one after another: uint8 [height, width, 3], BGR."""
    for video in videos:
        for file_name in video['file_names']:
            path = require_file(split / 'JPEGImages' / file_name, 'frame')
            frame = cv2.imread(str(path))
            if frame is None:
                raise InputError(f'frame {path}: not a readable image; write the split again')
            yield frame


def read_audio(split: Path, name: str) -> tuple[np.ndarray, int]:
    """The audio of a video: int16 [samples] and the sample rate."""
    path = require_file(split / 'WAVAudios' / f'{name}.wav', 'audio')
    try:
        with wave.open(str(path), 'rb') as file:
            return np.frombuffer(file.readframes(file.getnframes()), '<i2'), file.getframerate()
    except (wave.Error, EOFError) as error:
        raise InputError(f'audio {path}: not a readable WAV file ({error}); write the split again') from error


def write_clip(
    path: Path, frames: Iterable[np.ndarray], fps: float, crf: int, audio: np.ndarray | None = None, rate: int = 16000
) -> None:
    """Write an mp4.

    Args:
        path: The file.
        frames: uint8 [height, width, 3], BGR.
        fps: Frames a second.
        crf: Quality of the encoder, 0 to 51; lower is better.
        audio: int16 [samples]; None: the clip has no audio.
        rate: Samples a second.
    """
    frames = iter(frames)
    first = next(frames)
    with av.open(str(path), 'w', format='mp4', options={'movflags': 'faststart'}) as container:
        options = {'crf': str(crf), 'preset': 'slow', 'bf': '0'}
        video = container.add_stream('libx264', rate=Fraction(fps).limit_denominator(1001), options=options)
        video.height, video.width = first.shape[:2]
        video.pix_fmt = 'yuv420p'
        # Untagged, a player guesses how to turn the colours back.
        context = video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = ColorRange.MPEG
        stream = None
        if audio is not None:
            stream = container.add_stream('aac', rate=rate, layout='mono')
            stream.bit_rate = 64000
        for frame in itertools.chain([first], frames):
            picture = av.VideoFrame.from_ndarray(frame, format='bgr24').reformat(
                format='yuv420p', dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
            container.mux(video.encode(picture))
        container.mux(video.encode())
        if stream is None:
            return
        samples = av.AudioFrame.from_ndarray(audio[None], format='s16', layout='mono')
        samples.sample_rate = rate
        container.mux(stream.encode(samples))
        container.mux(stream.encode())


def make_photograph_clip(out: Path, crf: int) -> int:
    """Write the clip of the photographs; returns the number of frames."""
    images = {name: photograph.read() for name, photograph in PHOTOGRAPHS.items()}
    frames = tqdm(
        film_canvas(paint_canvas(images, place_photographs(images))), total=len(camera_windows()), unit='frame'
    )
    with atomic_output(out) as temporary:
        write_clip(temporary, frames, CLIP_FPS, crf)
    return frames.n


def make_synthetic_clip(out: Path, crf: int, split: Path, names: list[str]) -> int:
    """Write the clip of synthetic videos, one after another; returns the number of frames."""
    split = require_folder(split, 'split')
    videos = find_videos(split, names)
    audio, rates = zip(*(read_audio(split, name) for name in names), strict=True)
    frames = tqdm(read_frames(split, videos), total=sum(len(video['file_names']) for video in videos), unit='frame')
    with atomic_output(out) as temporary:
        write_clip(temporary, frames, videos[0]['fps'], crf, np.concatenate(audio), rates[0])
    return frames.n


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Write the clip that the command line asks for."""
    args = parse_args(arguments)
    if args.kind == 'photographs':
        count = make_photograph_clip(args.out, args.crf)
    else:
        count = make_synthetic_clip(args.out, args.crf, args.split, args.videos)
    print(f'{args.out}: {counted(count, "frame")}, {args.out.stat().st_size / 1000:.0f} kB')


if __name__ == '__main__':
    main()
