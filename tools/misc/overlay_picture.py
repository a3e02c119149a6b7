"""Draw one frame of a video in our styles and by supervision's annotators, for docs/overlays.md.

``python tools/misc/overlay_picture.py demo/photographs.mp4 --time 6 --out docs/images/overlays.jpg``

It needs the extra ``supervision``.
"""

import argparse
from collections.abc import Sequence

from mmrcf.command_line import start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Draw one frame of a video in several styles')
    parser.add_argument('video', help='video file')
    parser.add_argument('--time', type=float, required=True, metavar='SECONDS', help='of the frame')
    parser.add_argument('--model', default='real', metavar='NAME', help='name of a model (default: %(default)s)')
    parser.add_argument('--out', required=True, help='the picture, .png or .jpg')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import cv2
import numpy as np

from mmrcf.apis import OnlineSegmenter
from mmrcf.media import open_source
from mmrcf.structures import FrameResult
from mmrcf.utils import atomic_output
from mmrcf.visualization import TrackPainter, TrackStyle, panel, side_by_side, stacked

TRAIL = 30
"""Frames."""


def draw_styles(video: str, time: float, segmenter: OnlineSegmenter) -> np.ndarray:
    """The first frame from ``time`` on, in four panels, (H, W, 3) uint8 RGB.

    Raises:
        InputError: The video cannot be read or is shorter.
    """
    painter = TrackPainter(TrackStyle(boxes=True, trail=TRAIL))
    with open_source(video) as source:
        for frame in source:
            result = segmenter.step(frame.image)
            trails = painter.draw(frame.image, result)
            if frame.time >= time:
                labels = TrackPainter(TrackStyle()).draw(frame.image, result)
                return stacked(
                    side_by_side(panel(labels, 'Default'), panel(trails, 'Boxes and trails')),
                    side_by_side(
                        panel(draw_with_supervision(frame.image, result), 'supervision'),
                        panel(frame.image, 'The frame'),
                    ),
                )
    raise InputError(f'--time {time:g}: {video} is shorter; give an earlier time')


def draw_with_supervision(image: np.ndarray, result: FrameResult) -> np.ndarray:
    """The same objects by supervision's default annotators of masks and labels."""
    import supervision as sv

    detections = result.to_supervision()
    labels = [
        f'{name} {track_id} {score:.2f}'
        for name, track_id, score in zip(result.class_names, result.ids, result.scores, strict=True)
    ]
    by_track = dict(color_lookup=sv.ColorLookup.TRACK)
    picture = sv.MaskAnnotator(**by_track).annotate(image.copy(), detections)
    return sv.LabelAnnotator(**by_track).annotate(picture, detections, labels)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Write the picture."""
    args = parse_args(arguments)
    picture = draw_styles(args.video, args.time, OnlineSegmenter(args.model))
    with atomic_output(args.out) as temporary:
        if not cv2.imwrite(str(temporary), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90]):
            raise InputError(f'--out {args.out}: cannot be written; give a name that ends in .png or .jpg')
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
