"""Two models on the same frames side by side, with the objects that differ marked (Fig. 7).

``python tools/analysis_tools/compare_models.py CONFIG CHECKPOINT INPUT --other CONFIG CHECKPOINT --out FILE.mp4``
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from figure_options import add_figure_options

from mmrcf.command_line import add_cfg_options, add_device, start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Show two models on the same frames, with differences marked')
    parser.add_argument('config', help='config file of the first model')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('input', help='what demo/video_demo.py takes: a video, a folder, a camera ...')
    parser.add_argument('--other', nargs=2, metavar=('CONFIG', 'CHECKPOINT'), required=True, help='the second model')
    parser.add_argument('--names', nargs=2, metavar='NAME', help='titles (default: the names of the weights)')
    parser.add_argument('--out', metavar='FILE', required=True, help='a video, or an image of one frame')
    add_figure_options(parser)
    add_device(parser)
    add_cfg_options(parser, 'the configs')
    return parser.parse_intermixed_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from frame_figures import Figure, step, write_figure

from mmrcf.apis import OnlineSegmenter
from mmrcf.engine.config import load_config, set_up_process
from mmrcf.media.frame_source import Frame
from mmrcf.utils import counted
from mmrcf.visualization import TrackComparison, fit, panel, side_by_side
from mmrcf.visualization.differences import KINDS


class ComparisonFigure(Figure):
    """The objects of two models.

    Args:
        segmenters: The models.
        names: Their titles.
    """

    def __init__(self, segmenters: tuple[OnlineSegmenter, OnlineSegmenter], names: Sequence[str]) -> None:
        super().__init__()
        self._segmenters = segmenters
        self._names = names
        self.comparison = TrackComparison()

    def draw(self, frame: Frame):
        """See :class:`Figure`."""
        results = [step(segmenter, frame) for segmenter in self._segmenters]
        pictures = self.comparison.pictures(frame.image, *results)
        return side_by_side(*(panel(fit(picture), name) for picture, name in zip(pictures, self._names, strict=True)))

    @property
    def note(self) -> str:
        """See :class:`Figure`."""
        counts = self.comparison.counts
        return ''.join(f'; {kind}: {counts[kind, 0]} in the first, {counts[kind, 1]} in the second' for kind in KINDS)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Draw with the options of the command line."""
    args = parse_args(arguments)
    if Path(args.out).resolve() == Path(args.input).resolve():
        raise InputError(f'output {args.out}: is the input itself; choose another name')
    segmenters = []
    for path, checkpoint in ((args.config, args.checkpoint), args.other):
        config = load_config(path, args.cfg_options)
        set_up_process(config)
        segmenters.append(OnlineSegmenter(config, checkpoint, args.device))
    names = args.names or [Path(checkpoint).stem for checkpoint in (args.checkpoint, args.other[1])]
    with ComparisonFigure(tuple(segmenters), names) as figure:
        count = write_figure(figure, args)
        print(f'wrote {args.out}: {counted(count, "frame")}{figure.note}')


if __name__ == '__main__':
    main()
