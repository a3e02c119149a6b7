"""Make an animated picture of a video, for a document.

``python tools/misc/animate.py outputs/demo_real.mp4 --out outputs/demo_real.gif``
"""

import argparse
from collections.abc import Sequence

from mmrcf.command_line import start_program, whole_number
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Make an animated picture of a video')
    parser.add_argument('video', help='video file')
    parser.add_argument('--out', required=True, help='the picture, .gif')
    parser.add_argument('--width', type=whole_number(16), default=480, help='in pixels (default: %(default)s)')
    parser.add_argument('--fps', type=whole_number(1), default=5, help='pictures a second (default: %(default)s)')
    parser.add_argument('--colors', type=whole_number(2), default=64, help='at most 256 (default: %(default)s)')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from PIL import Image

from mmrcf.media import open_source
from mmrcf.utils import atomic_output, counted


def read_pictures(video: str, width: int, fps: int) -> list[Image.Image]:
    """Pictures of a video at the times 0, 1 / fps, 2 / fps ...: each the frame that is shown then, ``width`` wide."""
    pictures: list[Image.Image] = []
    shown, end = None, 0.0
    with open_source(video) as source:
        for frame in source:
            while shown is not None and len(pictures) / fps < frame.time:
                pictures.append(shown)
            height = round(width * frame.image.shape[0] / frame.image.shape[1])
            shown = Image.fromarray(frame.image).resize((width, height), Image.Resampling.BOX)
            end = frame.time + 1 / source.fps
    while len(pictures) / fps < end:
        pictures.append(shown)
    return pictures


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Write the picture."""
    args = parse_args(arguments)
    if not args.out.lower().endswith('.gif') or args.colors > 256:
        raise InputError(f'--out {args.out}, --colors {args.colors}: expected a name that ends in .gif, at most 256')
    pictures = read_pictures(args.video, args.width, args.fps)
    # One palette, and no dithering: what does not change from picture to picture takes no space.
    palette = pictures[len(pictures) // 2].quantize(args.colors)
    first, *others = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    with atomic_output(args.out) as temporary:
        first.save(
            temporary, 'GIF', save_all=True, append_images=others, duration=1000 // args.fps, loop=0, optimize=True
        )
        size = temporary.stat().st_size
    print(f'{args.out}: {counted(len(pictures), "picture")}, {size / 1e6:.2f} MB')


if __name__ == '__main__':
    main()
