"""Measure the paper's argument for matching-free tracking (Eq. 5-6, Appendix VI) on a data set.

``python tools/analysis_tools/order_analysis.py CONFIG CHECKPOINT [CHECKPOINT ...] --json FILE.json --out FILE.png``

For each pair of adjacent frames: the distance of the frames (epsilon), that of the outputs (Delta), and whether an
annotated object is in another query than in the frame before.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from figure_options import add_drawing

from mmrcf.command_line import add_cfg_options, add_device, add_json, add_split, add_table, start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Measure how the distances of frames and outputs relate to the query order'
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoints', nargs='+', metavar='checkpoint', help='its weights; several: of one training')
    add_split(parser)
    add_drawing(parser)
    add_json(parser)
    add_table(parser, 'order')
    add_device(parser)
    add_cfg_options(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import matplotlib
import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch import Tensor
from tqdm import tqdm

from mmrcf.apis import init_model
from mmrcf.engine.config import load_config, metric_configs, set_up_process
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.engine.loops import FrameStream
from mmrcf.engine.query_outputs import OutputRecorder
from mmrcf.engine.stages import require_data
from mmrcf.evaluation import OrderMetric
from mmrcf.evaluation.functional.ground_truth import load_ground_truth
from mmrcf.evaluation.functional.smoothness import (
    NORMS,
    chance_above,
    composed_bounds,
    layer_bounds,
    quantiles,
    slot_distances,
)
from mmrcf.evaluation.functional.tracks import objects_by_video
from mmrcf.evaluation.functional.video_evaluation import category_ids_of_classes
from mmrcf.evaluation.metrics.order_metric import match_masks
from mmrcf.models import RCF
from mmrcf.models.layers import valid_cells
from mmrcf.utils import atomic_output, write_json
from mmrcf.utils.markdown import markdown_table, write_between_markers

matplotlib.use('Agg')

from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

OUTPUTS = {
    'classes': 'class probabilities',
    'masks': 'mask probabilities',
    'mask_logits': 'mask logits',
}
"""What of the network's output is compared, and how the table calls it."""
ORDERS = {'kept': 'order kept', 'changed': 'order changed'}
PAPER_RATIO = 1e3
"""Delta / epsilon that the paper names for p = 1 where the order changes (Section III-B-4)."""
WIDE_AXIS = 100
"""An axis whose ends differ by less than this factor has labels at 2 and 5 too."""
COLORS = {'kept': 'tab:blue', 'changed': 'tab:red'}


@dataclass(frozen=True)
class Pair:
    """Two adjacent frames of a video.

    Attributes:
        changed: Whether an annotated object that is matched in both is in another query; None: there is no such object.
        epsilon: Distance of the normalised frames by p.
        delta: By output and p: the distance of the outputs, and the least one over all permutations of the queries.
    """

    changed: bool | None
    epsilon: dict[int, float]
    delta: dict[tuple[str, int], tuple[float, float]]

    @property
    def order(self) -> str | None:
        """A key of :data:`ORDERS`."""
        return None if self.changed is None else ('changed' if self.changed else 'kept')


@dataclass(frozen=True, eq=False)
class FrameRecord:
    """One frame as the network gets it, and what it makes of it.

    Attributes:
        result: What the metrics read.
        image: (3, h, w), normalised, without padding.
        outputs: By a key of :data:`OUTPUTS`: (N, D), a row a query.
    """

    result: dict
    image: Tensor
    outputs: dict[str, Tensor]


@torch.no_grad()
def frame_records(model: RCF, loader) -> Iterator[FrameRecord]:
    """Run the model over all frames, video by video."""
    inputs: dict[str, Tensor] = {}
    stream = FrameStream(model)
    with ExitStack() as stack:
        recorder = stack.enter_context(OutputRecorder(model))
        hook = model.data_preprocessor.register_forward_hook(
            lambda _module, _args, batch: inputs.update(batch['inputs'])
        )
        stack.callback(hook.remove)
        for data_batch in tqdm(loader, unit='frame'):
            result = stream.process(data_batch)
            frame = recorder.frame(result)
            height, width = valid_cells(frame.img_shape, frame.padded_shape, frame.mask_logits.shape[-2:])
            logits = frame.mask_logits[:, :height, :width].flatten(1)
            yield FrameRecord(
                result=result,
                image=inputs['img'][0, 0][:, : frame.img_shape[0], : frame.img_shape[1]].clone(),
                outputs=dict(
                    classes=recorder.outputs.cls_logits[0].softmax(-1), masks=logits.sigmoid(), mask_logits=logits
                ),
            )


class SlotsOfObjects:
    """Which query each annotated object is in.

    Args:
        metric: Reads the annotations, and names the classes.
    """

    def __init__(self, metric: OrderMetric) -> None:
        ground_truth = load_ground_truth(metric.ann_file, metric.view)
        self._objects = objects_by_video(ground_truth, category_ids_of_classes(metric.class_names(), ground_truth))

    def __call__(self, result: dict) -> dict[int, int]:
        """Query by object of a frame, for the objects that are matched; see :func:`match_masks`."""
        rles = [track.rles[result['frame_id']] for track in self._objects[result['video_id']]]
        seen = [index for index, rle in enumerate(rles) if rle is not None]
        matches = match_masks([rles[index] for index in seen], result['rles'])
        return {seen[row]: int(result['queries'][column]) for row, column, _ in matches}


def compare(before: FrameRecord, after: FrameRecord, slots: tuple[dict[int, int], dict[int, int]]) -> Pair:
    """The distances between two adjacent frames, with the query of each object before and after."""
    common = slots[0].keys() & slots[1].keys()
    return Pair(
        changed=any(slots[0][index] != slots[1][index] for index in common) if common else None,
        epsilon={p: float(torch.linalg.vector_norm((after.image - before.image).double(), p)) for p in NORMS},
        delta={
            (name, p): slot_distances(after.outputs[name], before.outputs[name], p) for name in OUTPUTS for p in NORMS
        },
    )


def measure(model: RCF, config: Config, split: str) -> tuple[list[Pair], dict[str, float]]:
    """All pairs of adjacent frames of a split, and the figures of :class:`OrderMetric`."""
    sources = [metric['ann_file'] for metric in metric_configs(config, split) if 'ann_file' in metric]
    if not sources:
        raise InputError(
            f'config {config.filename}: no {split}_evaluator has an ann_file; add one, for the annotations'
        )
    with explained_config_errors(config):
        loader = Runner.build_dataloader(config[f'{split}_dataloader'], seed=0)
        metric = OrderMetric(sources[0])
    metric.dataset_meta = loader.dataset.metainfo
    slots_of_objects = SlotsOfObjects(metric)
    pairs, before, slots_before = [], None, {}
    for record in frame_records(model, loader):
        metric.process({}, [record.result])
        slots = slots_of_objects(record.result)
        if record.result['frame_id'] > 0:
            pairs.append(compare(before, record, (slots_before, slots)))
        before, slots_before = record, slots
    return pairs, metric.evaluate()


def ratios(pairs: Sequence[Pair], output: str, p: int, best: bool, order: str) -> list[float]:
    """Delta / epsilon of the pairs of one order; two equal frames have none."""
    return [
        pair.delta[output, p][best] / pair.epsilon[p] for pair in pairs if pair.order == order and pair.epsilon[p] > 0
    ]


def summarise(pairs: Sequence[Pair], figures: dict[str, float]) -> dict:
    """What the JSON holds for one checkpoint; see ``docs/order_analysis.md``."""
    counts = {order: sum(pair.order == order for pair in pairs) for order in ORDERS}
    epsilon = {}
    for p in NORMS:
        values = {order: [pair.epsilon[p] for pair in pairs if pair.order == order] for order in ORDERS}
        epsilon[str(p)] = {order: quantiles(values[order]) for order in ORDERS}
        epsilon[str(p)]['chance_changed_above_kept'] = chance_above(values['changed'], values['kept'])
    return dict(
        pairs=dict(counts, without_object=len(pairs) - sum(counts.values())),
        slot_changes=figures['order/slot_changes'],
        recall=figures['order/recall'],
        epsilon=epsilon,
        ratios={output: {str(p): _ratio_summary(pairs, output, p) for p in NORMS} for output in OUTPUTS},
    )


def _ratio_summary(pairs: Sequence[Pair], output: str, p: int) -> dict:
    plain = {order: ratios(pairs, output, p, False, order) for order in ORDERS}
    best = {order: ratios(pairs, output, p, True, order) for order in ORDERS}
    least = min(plain['changed'], default=None)
    return dict(
        same_slots={order: quantiles(plain[order]) for order in ORDERS},
        best_permutation={order: quantiles(best[order]) for order in ORDERS},
        chance_changed_above_kept=chance_above(plain['changed'], plain['kept']),
        kept_above_least_changed=None
        if least is None or not plain['kept']
        else float(np.mean(np.array(plain['kept']) > least)),
        largest=max([*plain['kept'], *plain['changed']], default=None),
    )


def bound_summary(model: RCF) -> dict:
    """Upper bounds of the layers of a model by kind, as decimal logarithms by p; and the largest bound of a layer."""
    layers = list(layer_bounds(model))
    kinds = {kind: [layer for layer in layers if layer.kind == kind] for kind in ('convolution', 'linear', 'attention')}
    summary = {}
    for p in NORMS:
        largest = max(layers, key=lambda layer, p=p: layer.bounds[p])
        summary[str(p)] = {kind: composed_bounds(chosen, p) for kind, chosen in kinds.items()}
        summary[str(p)] |= dict(
            all=composed_bounds(layers, p), largest_layer=dict(name=largest.name, bound=largest.bounds[p])
        )
    return summary


def draw(runs: dict[str, tuple[list[Pair], dict]], path: str | Path) -> None:
    """Distributions of Delta / epsilon of the last checkpoint, and the query changes of all if there are several."""
    pairs = list(runs.values())[-1][0]
    several = len(runs) > 1
    figure, panels = pyplot.subplots(len(OUTPUTS) + several, len(NORMS), figsize=(9, 7 + 2 * several), squeeze=False)
    for row, (output, title) in enumerate(OUTPUTS.items()):
        for column, p in enumerate(NORMS):
            panel = panels[row, column]
            for order, label in ORDERS.items():
                for best, style in ((False, '-'), (True, ':')):
                    values = np.sort(ratios(pairs, output, p, best, order))
                    if len(values):
                        shares = 100 * np.arange(1, len(values) + 1) / len(values)
                        text = f'{label}, {"best permutation" if best else "same queries"} ({len(values)})'
                        panel.step(values, shares, style, where='post', color=COLORS[order], label=text)
            if p == 1:
                panel.axvline(PAPER_RATIO, color='grey', linestyle='--', linewidth=1)
                panel.annotate(
                    'paper: about $10^3$', (PAPER_RATIO, 50), xytext=(-4, 0), textcoords='offset points',
                    rotation=90, ha='right', va='center', fontsize='small', color='grey',
                )  # fmt: skip
            panel.set(xscale='log', title=f'{title}, p = {p}', ylim=(0, 101))
            low, high = panel.get_xlim()
            if high < WIDE_AXIS * low:
                panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: f'{value:g}'))
            panel.xaxis.set_minor_formatter(NullFormatter())
            panel.grid(alpha=0.3)
            if column == 0:
                panel.set_ylabel('percent of pairs')
            if row == len(OUTPUTS) - 1:
                panel.set_xlabel(r'$\Delta\,/\,\epsilon$')
    if several:
        for panel in panels[-1]:
            panel.remove()
        panel = figure.add_subplot(panels[0, 0].get_gridspec()[-1, :])
        values = [summary['slot_changes'] for _, summary in runs.values()]
        panel.plot(list(runs), values, marker='o')
        panel.set(ylabel='query changes', ylim=(0, None), title='query changes per matched object-frame')
        panel.grid(alpha=0.3)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside lower center', ncols=2, fontsize='small')
    figure.set_layout_engine('constrained')
    with atomic_output(path) as temporary:
        figure.savefig(temporary, dpi=100)
    pyplot.close(figure)


def tables(content: dict) -> str:
    """The Markdown tables of a JSON that this tool wrote; ratios are those of the last checkpoint."""
    name, run = list(content['checkpoints'].items())[-1]
    rows = []
    for output, title in OUTPUTS.items():
        for p in NORMS:
            ratio = run['ratios'][output][str(p)]
            cells = [
                _number((ratio[kind][order] or {}).get('median'))
                for kind in ('same_slots', 'best_permutation')
                for order in ORDERS
            ]
            chance, above = ratio['chance_changed_above_kept'], ratio['kept_above_least_changed']
            rows.append([f'{title}, p = {p}', *cells, _number(chance), _number(above), _number(ratio['largest'])])
    header = ['median of Delta / epsilon', 'kept', 'changed', 'kept, best permutation', 'changed, best permutation']
    header += ['chance that changed is above kept', 'part of kept above least changed', 'largest']
    bounds = []
    for p in NORMS:
        bound = run['bounds'][str(p)]
        kinds = [_number(bound[kind]['product']) for kind in ('convolution', 'linear', 'attention', 'all')]
        layer = bound['largest_layer']
        bounds.append(
            [f'p = {p}', *kinds, f'{bound["all"]["with_skips"]:.1f}', f'{layer["bound"]:.3g} (`{layer["name"]}`)']
        )
    titles = ['log10 of the bound', 'convolutions and batch norms', 'linear layers', 'inside attention']
    titles += ['product of all', 'product of (1 + bound)', 'largest norm of a layer (no logarithm)']
    changes = [
        [f'`{title}`', *(str(each['pairs'][key]) for key in (*ORDERS, 'without_object')), f'{each["slot_changes"]:.3f}']
        for title, each in content['checkpoints'].items()
    ]
    changed = ['checkpoint', 'pairs with order kept', 'changed', 'without a common object', 'query changes']
    parts = (
        markdown_table(changed, changes),
        f'Pairs of adjacent frames with `{name}`:',
        markdown_table(header, rows),
        'Upper bounds of its layers:',
        markdown_table(titles, bounds),
    )
    return '\n\n'.join(parts)


def _number(value: float | None) -> str:
    return '-' if value is None else f'{value:.3g}'


def checkpoints_by_name(paths: Sequence[str]) -> dict[str, str]:
    """The path of each by its name: that of the file, with its folder where two are the same.

    They are in the order of the numbers in their paths: a shell gives ``iter_1000.pth`` before ``iter_500.pth``.
    """
    paths = sorted(paths, key=lambda path: [int(part) for part in re.findall(r'\d+', path)])
    names = [Path(path).stem for path in paths]
    if len(set(names)) < len(names):
        names = ['/'.join(Path(path).with_suffix('').parts[-2:]) for path in paths]
    if len(set(names)) < len(names):
        raise InputError(f'checkpoints {", ".join(paths)}: one is a duplicate; give each once')
    return dict(zip(names, paths, strict=True))


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line."""
    args = parse_args(arguments)
    config = load_config(args.config, args.cfg_options)
    set_up_process(config)
    if not config.get(f'{args.split}_dataloader') or not config.get(f'{args.split}_evaluator'):
        raise InputError(f'config {args.config}: has no {args.split}_dataloader and {args.split}_evaluator; add them')
    require_data([config], loaders=(f'{args.split}_dataloader',))
    runs = {}
    for name, path in checkpoints_by_name(args.checkpoints).items():
        model = init_model(config, path, args.device)
        pairs, figures = measure(model, config, args.split)
        runs[name] = pairs, summarise(pairs, figures) | dict(bounds=bound_summary(model))
    content = dict(
        config=args.config, split=args.split, checkpoints={name: summary for name, (_, summary) in runs.items()}
    )
    print(tables(content))
    if args.json:
        write_json(args.json, content)
    if args.out:
        draw(runs, args.out)
    if args.table:
        write_between_markers(args.table, 'order', tables(content))


if __name__ == '__main__':
    main()
