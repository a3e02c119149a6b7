"""Turn one video of a synthetic split, or a chain of several, into an mp4 with sound (H.264 and AAC).

The sample clips are test videos three times as long as those of the benchmark:

    python tools/misc/make_shapes.py --out outputs/long --variant shapes --splits test=8 --frames 72
    python tools/misc/make_demo_clip.py outputs/long/test --videos 0002 --out demo/shapes.mp4
    python tools/misc/make_shapes.py --out outputs/long_av --variant shapes_av --splits test=8 --frames 72
    python tools/misc/make_demo_clip.py outputs/long_av/test --videos 0007 --out demo/shapes_av.mp4
"""

import argparse
import itertools
import wave
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from tqdm import tqdm

from mmrcf.errors import InputError, exit_on_bad_input
from mmrcf.utils.files import atomic_output, read_json, require_file, require_folder

BT709 = 1
"""The number of the standard in an H.264 header."""


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


def read_sound(split: Path, name: str) -> tuple[np.ndarray, int]:
    """The sound of a video: int16 [samples] and the sample rate."""
    path = require_file(split / 'WAVAudios' / f'{name}.wav', 'sound')
    try:
        with wave.open(str(path), 'rb') as file:
            return np.frombuffer(file.readframes(file.getnframes()), '<i2'), file.getframerate()
    except (wave.Error, EOFError) as error:
        raise InputError(f'sound {path}: not a readable WAV file ({error}); write the split again') from error


def write_clip(path: Path, frames: Iterable[np.ndarray], fps: float, sound: np.ndarray, rate: int, crf: int) -> None:
    """Write frames (uint8 [height, width, 3], BGR) and sound (int16 [samples]) to an mp4."""
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
        audio = container.add_stream('aac', rate=rate, layout='mono')
        audio.bit_rate = 64000
        for frame in itertools.chain([first], frames):
            picture = av.VideoFrame.from_ndarray(frame, format='bgr24').reformat(
                format='yuv420p', dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
            container.mux(video.encode(picture))
        container.mux(video.encode())
        samples = av.AudioFrame.from_ndarray(sound[None], format='s16', layout='mono')
        samples.sample_rate = rate
        container.mux(audio.encode(samples))
        container.mux(audio.encode())


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('split', type=Path, help='folder of a split, e.g. data/shapes/test')
    parser.add_argument('--videos', nargs='+', required=True, help='names of the videos, e.g. 0001')
    parser.add_argument('--out', type=Path, required=True, help='the mp4')
    parser.add_argument('--crf', type=int, default=16, choices=range(52), metavar='0..51', help='default: %(default)s')
    return parser.parse_args(arguments)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Read the videos and write the clip."""
    args = parse_args(arguments)
    split = require_folder(args.split, 'split')
    videos = find_videos(split, args.videos)
    sounds, rates = zip(*(read_sound(split, name) for name in args.videos), strict=True)
    frames = tqdm(read_frames(split, videos), total=sum(len(video['file_names']) for video in videos), unit='frame')
    with atomic_output(args.out) as temporary:
        write_clip(temporary, frames, videos[0]['fps'], np.concatenate(sounds), rates[0], args.crf)
    print(f'{args.out}: {frames.n} frames, {args.out.stat().st_size / 1000:.0f} kB')


if __name__ == '__main__':
    main()
