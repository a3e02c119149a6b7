"""Put frames of a video side by side into one picture, for a document.

``python tools/misc/contact_sheet.py outputs/demo_real.mp4 --times 1 5.5 8.5 --out outputs/demo_real.jpg``
"""

import argparse
from collections.abc import Sequence

from mmrcf.command_line import start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Put frames of a video side by side into one picture')
    parser.add_argument('video', help='video file')
    parser.add_argument(
        '--times', nargs='+', type=float, metavar='SECONDS', help='of the frames (default: four, evenly spread)'
    )
    parser.add_argument('--out', required=True, help='the picture, .png or .jpg')
    parser.add_argument('--height', type=int, default=270, help='of the picture, in pixels (default: %(default)s)')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import cv2
import numpy as np

from mmrcf.media import open_source
from mmrcf.utils import atomic_output, counted

SUFFIXES = ('.png', '.jpg', '.jpeg')
GAP = 6


def read_frames(video: str, times: Sequence[float]) -> list[np.ndarray]:
    """The frames shown at ``times`` (seconds, ascending): uint8 [height, width, 3], RGB.

    Raises:
        InputError: The video cannot be read, a time is not in it, or the times are not in ascending order.
    """
    if any(time < 0 for time in times) or list(times) != sorted(times):
        raise InputError(f'--times {" ".join(f"{time:g}" for time in times)}: expected seconds from 0 on, ascending')
    chosen: list[np.ndarray] = []
    with open_source(video) as source:
        shown, end = None, 0.0
        for frame in source:
            while len(chosen) < len(times) and shown is not None and times[len(chosen)] < frame.time:
                chosen.append(shown)
            if len(chosen) == len(times):
                return chosen
            shown, end = frame.image, frame.time + 1 / source.fps
    while len(chosen) < len(times) and times[len(chosen)] < end:
        chosen.append(shown)
    if len(chosen) < len(times):
        raise InputError(f'--times {times[len(chosen)]:g}: {video} ends at {end:.2f} s')
    return chosen


def spread_times(video: str, count: int = 4) -> list[float]:
    """Times of ``count`` frames in the middle of equal parts of a video, or of all where it has fewer; seconds."""
    with open_source(video) as source:
        times = [frame.time for frame in source]
    count = min(count, len(times))
    return [times[(2 * part + 1) * len(times) // (2 * count)] for part in range(count)]


def join_frames(frames: Sequence[np.ndarray], height: int) -> np.ndarray:
    """Frames side by side on white, each ``height`` pixels high: uint8 [height, width, 3]."""
    parts = []
    for frame in frames:
        size = (max(1, round(frame.shape[1] * height / frame.shape[0])), height)
        shrinks = height < frame.shape[0]
        parts.append(cv2.resize(frame, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC))
        parts.append(np.full((height, GAP, 3), 255, np.uint8))
    return np.hstack(parts[:-1])


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Write the picture."""
    args = parse_args(arguments)
    if not args.out.lower().endswith(SUFFIXES):
        raise InputError(f'--out {args.out}: expected a name that ends in {", ".join(SUFFIXES)}')
    if not 16 <= args.height <= 4096:
        raise InputError(f'--height {args.height}: expected 16 to 4096 pixels')
    times = spread_times(args.video) if args.times is None else args.times
    picture = join_frames(read_frames(args.video, times), args.height)
    with atomic_output(args.out) as temporary:
        if not cv2.imwrite(str(temporary), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90]):
            raise InputError(f'--out {args.out}: cannot be written; check the space on the disk')
    print(f'{args.out}: {counted(len(times), "frame")}, {picture.shape[1]}x{picture.shape[0]}')


if __name__ == '__main__':
    main()
