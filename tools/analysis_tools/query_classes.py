"""Count which queries predict which classes over a data set (Fig. 9), also normalised for each class.

``python tools/analysis_tools/query_classes.py CONFIG CHECKPOINT --out FILE.png --json FILE.json``
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from figure_options import add_drawing

from mmrcf.command_line import add_cfg_options, add_device, add_json, add_split, start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Count which queries predict which classes')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='its weights')
    add_split(parser)
    add_drawing(parser)
    add_json(parser, 'classes and counts')
    add_device(parser)
    add_cfg_options(parser)
    args = parser.parse_args(arguments)
    if not args.out and not args.json:
        parser.error('expected --out FILE.png, --json FILE, or both')
    return args


if __name__ == '__main__':
    start_program(parse_args)

import matplotlib
import numpy as np
from mmengine.runner import Runner
from tqdm import tqdm

from mmrcf.apis import init_model
from mmrcf.engine.config import load_config, set_up_process
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.engine.loops import FrameStream
from mmrcf.engine.stages import require_data
from mmrcf.models import RCF
from mmrcf.utils import atomic_output, counted, write_json

matplotlib.use('Agg')

from matplotlib import pyplot

MAX_COLUMNS = 30
"""A drawing with more columns is too small to read in half a page."""
MAX_NUMBERS = 30
"""With more classes the cells have no numbers."""


def count_queries(model: RCF, loader) -> np.ndarray:
    """(K, N) int64: in how many frames each of the N queries is active with each of the K classes."""
    counts = np.zeros((model.num_classes, model.head.num_queries), np.int64)
    stream = FrameStream(model)
    for data_batch in tqdm(loader, unit='frame'):
        record = stream.process(data_batch)
        np.add.at(counts, (record['labels'], record['queries']), 1)
    return counts


def normalise(counts: np.ndarray) -> np.ndarray:
    """(K, N) float64: of the objects of a class, the fraction in each query; zeros for a class without any."""
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


def columns(fractions: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """What the drawing shows of ``fractions`` (K, N): at most :data:`MAX_COLUMNS` columns, and their names.

    With more queries these are the ones with the largest fraction of any class, in their order; the last column is the
    sum of all others.
    """
    num_queries = fractions.shape[1]
    if num_queries <= MAX_COLUMNS:
        return fractions, [str(query) for query in range(num_queries)]
    shown = np.sort(np.argsort(-fractions.max(0), kind='stable')[: MAX_COLUMNS - 1])
    others = np.delete(fractions, shown, axis=1)
    names = [*map(str, shown), f'{others.shape[1]} others']
    return np.concatenate([fractions[:, shown], others.sum(1, keepdims=True)], 1), names


def draw(counts: np.ndarray, classes: Sequence[str], path: str | Path) -> None:
    """The fractions as colours, with the numbers in percent and the objects of each class."""
    shares, names = columns(100 * normalise(counts))
    height = max(3.6, 0.9 + 0.27 * len(classes))
    figure, panel = pyplot.subplots(figsize=(max(6.4, 1.8 + 0.42 * len(names)), height), layout='constrained')
    picture = panel.imshow(shares, cmap='viridis', vmin=0, vmax=100, aspect='auto')
    labels = [f'{name} ({total})' for name, total in zip(classes, counts.sum(1), strict=True)]
    panel.set(yticks=range(len(classes)), yticklabels=labels, xlabel='query')
    panel.set_xticks(range(len(names)), names, rotation=90 if counts.shape[1] > MAX_COLUMNS else 0)
    if len(classes) <= MAX_NUMBERS:
        for row, column in zip(*np.nonzero(shares), strict=True):
            share = shares[row, column]
            color = 'black' if share > 60 else 'white'
            panel.text(column, row, f'{share:.0f}', ha='center', va='center', fontsize='small', color=color)
    figure.colorbar(picture, ax=panel, label='percent of the class')
    with atomic_output(path) as temporary:
        figure.savefig(temporary, format=Path(path).suffix.lstrip('.'), dpi=100)
    pyplot.close(figure)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Count and draw with the options of the command line."""
    args = parse_args(arguments)
    config = load_config(args.config, args.cfg_options)
    set_up_process(config)
    loader = config.get(f'{args.split}_dataloader')
    if not loader:
        raise InputError(f'config {args.config}: has no {args.split}_dataloader; add one')
    require_data([config], loaders=(f'{args.split}_dataloader',))
    model = init_model(config, args.checkpoint, args.device)
    if not isinstance(model, RCF):
        raise InputError(f'config {args.config}: {type(model).__name__} has no instance queries; give that of an RCF')
    with explained_config_errors(config):
        frames = Runner.build_dataloader(loader, seed=0)
    counts = count_queries(model, frames)
    classes = frames.dataset.metainfo['classes']
    if args.json:
        write_json(args.json, dict(classes=classes, counts=counts.tolist(), fractions=normalise(counts).tolist()))
    if args.out:
        draw(counts, classes, args.out)
    print(f'{counted(int(counts.sum()), "object")} in {counted(len(frames), "frame")}')


if __name__ == '__main__':
    main()
