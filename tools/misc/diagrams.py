"""Draw the diagrams of docs/architecture.md: boxes on a grid, with arrows between them.

``python tools/misc/diagrams.py --out docs/images``
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmrcf.command_line import start_program
from mmrcf.errors import exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Draw the diagrams of docs/architecture.md')
    parser.add_argument('--out', type=Path, required=True, metavar='FOLDER', help='for an SVG file of each')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from mmrcf.utils import atomic_output

WIDTH, HEIGHT = 0.88, 0.52
"""Of a box, in cells of the grid."""
CELL = 1.52, 0.95
"""Width and height of a cell in inches."""
FILL, LINE, TEXT, SOFT = '#eaf1fb', '#2f5d9b', '#1c2733', '#5b6b7b'


@dataclass(frozen=True)
class Diagram:
    """What is drawn.

    Attributes:
        boxes: Column and row of each box by its text, whose first line is bold.
        arrows: From, to, as first lines of boxes, and a label that may be empty.
        both_ways: Pairs of first lines with an arrow in both directions.
        frame: Left, right, top and bottom of a frame around boxes, and its label.
    """

    boxes: dict[str, tuple[float, float]]
    arrows: tuple[tuple[str, str, str], ...]
    both_ways: tuple[tuple[str, str], ...] = ()
    frame: tuple[float, float, float, float, str] | None = None


DIAGRAMS = {
    'frame': Diagram(
        boxes={
            'FrameSource\nmedia': (0, 0),
            'OnlineSegmenter\napis': (0, 1),
            'backbone': (1.3, 1),
            'audio encoder': (1.3, 2),
            'neck\nfuses tokens of\nthe last frames': (2.3, 1),
            'mask decoder': (2.8, 2),
            'head\nclasses and masks\nof the queries': (3.3, 1),
            'tracker\ntrack IDs': (4.3, 1),
            'StreamState\nstructures': (2.8, 0),
            'FrameResult\nstructures': (5.5, 1),
            'VideoWriter\nmedia; JSON': (5.5, 2),
        },
        arrows=(
            ('FrameSource', 'OnlineSegmenter', 'frame, audio'),
            ('OnlineSegmenter', 'backbone', ''),
            ('OnlineSegmenter', 'audio encoder', ''),
            ('backbone', 'neck', ''),
            ('audio encoder', 'neck', ''),
            ('neck', 'mask decoder', ''),
            ('neck', 'head', ''),
            ('mask decoder', 'head', ''),
            ('head', 'tracker', ''),
            ('tracker', 'FrameResult', ''),
            ('FrameResult', 'VideoWriter', ''),
        ),
        both_ways=(('StreamState', 'neck'), ('StreamState', 'tracker')),
        frame=(0.78, 4.8, 0.52, 2.48, 'models/vis: RCF.step'),
    ),
    'training': Diagram(
        boxes={
            'annotations\ndatasets': (0, 0),
            'YouTubeVISDataset\nor AVISDataset': (1.15, 0),
            'transforms\ndatasets/transforms': (2.3, 0),
            'samplers\nand collate': (3.45, 0),
            'preprocessor\nmodels/\ndata_preprocessors': (4.6, 0),
            'RCF.loss\nmodels/vis': (4.6, 1),
            'forward\nbackbone, neck,\nmask decoder, head': (3.45, 1),
            'matcher\ntask_modules,\nmatch costs': (2.3, 1),
            'losses\nclass, mask, dice,\nsemantic': (1.15, 1),
        },
        arrows=(
            ('annotations', 'YouTubeVISDataset', ''),
            ('YouTubeVISDataset', 'transforms', ''),
            ('transforms', 'samplers', ''),
            ('samplers', 'preprocessor', ''),
            ('preprocessor', 'RCF.loss', ''),
            ('RCF.loss', 'forward', ''),
            ('forward', 'matcher', ''),
            ('matcher', 'losses', ''),
        ),
    ),
}


def draw(diagram: Diagram) -> Figure:
    """The figure of a diagram."""
    columns, rows = zip(*diagram.boxes.values(), strict=True)
    size = max(columns) + 1, max(rows) + 1
    figure = Figure((size[0] * CELL[0], size[1] * CELL[1]))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-0.5, size[0] - 0.5), ylim=(size[1] - 0.5, -0.5))
    axes.axis('off')
    if diagram.frame is not None:
        left, right, top, bottom, label = diagram.frame
        style = dict(
            fill=False, edgecolor=SOFT, linestyle='--', linewidth=0.9, boxstyle='round,pad=0,rounding_size=0.08'
        )
        axes.add_patch(FancyBboxPatch((left, top), right - left, bottom - top, **style))
        axes.text(right - 0.06, bottom - 0.06, label, ha='right', va='bottom', fontsize=9, color=SOFT)
    patches = {}
    for text, (column, row) in diagram.boxes.items():
        name, _, rest = text.partition('\n')
        corner = (column - WIDTH / 2, row - HEIGHT / 2)
        style = dict(facecolor=FILL, edgecolor=LINE, linewidth=1.1, boxstyle='round,pad=0,rounding_size=0.06', zorder=3)
        patches[name] = axes.add_patch(FancyBboxPatch(corner, WIDTH, HEIGHT, **style))
        lines = text.count('\n')
        axes.text(column, row - 0.07 * lines, name, ha='center', va='center', weight='bold', **_font(8.6))
        axes.text(column, row + 0.085, rest, ha='center', va='center', linespacing=1.05, **_font(7.4))
    joints = [(start, end, label, '-|>') for start, end, label in diagram.arrows]
    joints += [(start, end, '', '<|-|>') for start, end in diagram.both_ways]
    for start, end, label, kind in joints:
        (x0, y0), (x1, y1) = (_middle(patches[name]) for name in (start, end))
        style = dict(arrowstyle=kind, mutation_scale=11, color=LINE, linewidth=1.1, shrinkA=1, shrinkB=1, zorder=2)
        axes.add_patch(FancyArrowPatch((x0, y0), (x1, y1), patchA=patches[start], patchB=patches[end], **style))
        axes.text((x0 + x1) / 2 + 0.05, (y0 + y1) / 2, label, ha='left', va='center', **_font(7.4))
    return figure


def _font(size: float) -> dict:
    return dict(fontsize=size, color=TEXT, zorder=4)


def _middle(box: FancyBboxPatch) -> tuple[float, float]:
    return box.get_x() + box.get_width() / 2, box.get_y() + box.get_height() / 2


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Write the diagrams; the same again gives the same files."""
    args = parse_args(arguments)
    with matplotlib.rc_context({'svg.hashsalt': 'mmrcf', 'font.family': 'DejaVu Sans'}):
        for name, diagram in DIAGRAMS.items():
            with atomic_output(args.out / f'architecture_{name}.svg') as temporary:
                draw(diagram).savefig(temporary, format='svg', metadata={'Date': None}, facecolor='white')
    print(f'wrote {args.out}/architecture_*.svg')


if __name__ == '__main__':
    main()
