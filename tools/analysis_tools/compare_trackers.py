"""Score several trackers and thresholds on the same outputs of one network.

``python tools/analysis_tools/compare_trackers.py CONFIG CHECKPOINT --tracker 'MatchingFreeTracker(duplicate_iou=0.6)'``
``python tools/analysis_tools/compare_trackers.py CONFIG --outputs FILE``, after ``tools/test.py --save-outputs FILE``
"""

import argparse
import ast
import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from mmrcf.command_line import add_cfg_options, add_device, add_json, add_split, start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Score trackers on the same outputs of one network')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', nargs='?', help='weights')
    parser.add_argument(
        '--outputs', metavar='FILE', help='outputs of tools/test.py --save-outputs, instead of running the weights'
    )
    add_split(parser)
    parser.add_argument(
        '--tracker', action='append', metavar='NAME(KEY=VALUE, ...)', help='a tracker; may be given several times'
    )
    for option, what in (('--score-thr', 'of the score'), ('--mask-thr', 'of the masks')):
        parser.add_argument(
            option, nargs='+', type=_probability, metavar='X', default=[None], help=f'thresholds {what} to compare'
        )
    add_device(parser)
    add_json(parser)
    add_cfg_options(parser)
    args = parser.parse_args(arguments)
    if bool(args.checkpoint) == bool(args.outputs):
        parser.error('give either CHECKPOINT or --outputs FILE')
    return args


def _probability(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f'expected a number between 0 and 1, got {text}')
    return value


if __name__ == '__main__':
    start_program(parse_args)

import numpy as np
from mmengine.runner import Runner
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader
from tqdm import tqdm

from mmrcf.apis import init_model
from mmrcf.engine.config import load_config, metric_configs, set_up_process
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.engine.loops import FrameStream, metric_record
from mmrcf.engine.query_outputs import FrameOutputs, OutputRecorder, OutputSettings, SavedOutputs
from mmrcf.engine.stages import require_data
from mmrcf.models import RCF
from mmrcf.models.trackers import BaseTracker
from mmrcf.models.vis.postprocess import logit, select_instances
from mmrcf.registry import METRICS, MODELS
from mmrcf.structures import TrackState
from mmrcf.utils import write_json

DEFAULT_TRACKERS = ('MatchingFreeTracker()', 'HungarianTracker()', 'IoUTracker()')
COLUMNS = ('vis/AP', 'vis/AP50', 'vis/AP75', 'order/id_changes', 'update_ms')


def parse_tracker(text: str) -> dict[str, Any]:
    """``'Name(key=value, ...)'`` as a config; values are Python literals."""
    try:
        call = ast.parse(text, mode='eval').body
        return {'type': call.func.id, **{word.arg: ast.literal_eval(word.value) for word in call.keywords}}
    except (SyntaxError, AttributeError, ValueError) as error:
        raise InputError(
            f"--tracker {text}: expected NAME(KEY=VALUE, ...), as 'IoUTracker(iou_threshold=0.5)'"
        ) from error


class TrackerTrial:
    """One tracker with its thresholds, its state in the current video, and its metrics.

    Args:
        text: The tracker as on the command line.
        settings: Of the network and the data set; the network's own tracker is not used.
        evaluators: Configs of the metrics.
        score_thr: Instead of that of ``settings``.
        mask_thr: Instead of that of ``settings``.

    Raises:
        InputError: A threshold cannot be used with these outputs.
    """

    def __init__(
        self,
        text: str,
        settings: OutputSettings,
        evaluators: Sequence[dict],
        score_thr: float | None = None,
        mask_thr: float | None = None,
    ) -> None:
        self.name = text
        for option, value in (('score_thr', score_thr), ('mask_thr', mask_thr)):
            if value is not None:
                self.name += f', {option}={value:g}'
        self.score_thr = settings.score_thr if score_thr is None else score_thr
        self.mask_logit_thr = logit(settings.mask_thr if mask_thr is None else mask_thr)
        if self.score_thr < settings.saved_score:
            raise InputError(
                f'--score-thr {score_thr:g}: the outputs have no masks of queries with a score below '
                f'{settings.saved_score:g}; save them again with --cfg-options model.score_thr={score_thr:g}'
            )
        if settings.score_masks and mask_thr not in (None, settings.mask_thr):
            raise InputError(
                f'--mask-thr {mask_thr:g}: the scores of this model depend on the mask threshold (score_masks=True) '
                f'and were computed for {settings.mask_thr:g}; set model.mask_thr with --cfg-options instead'
            )
        self.classes = settings.classes
        self.tracker: BaseTracker = MODELS.build(parse_tracker(text))
        self.metrics = [METRICS.build(evaluator) for evaluator in evaluators]
        for metric in self.metrics:
            metric.dataset_meta = settings.dataset_meta
        self.state: TrackState | None = None
        self.milliseconds: list[float] = []
        self._video_ids: set[int] = set()

    def process(self, outputs: FrameOutputs) -> None:
        """Track one frame and hand the result to the metrics."""
        self._video_ids.add(outputs.frame['video_id'])
        slots = outputs.slots(self.score_thr, self.mask_logit_thr)
        if outputs.frame['frame_id'] == 0:
            self.state = self.tracker.init_state(len(slots.scores), slots.scores.device)
        started = time.perf_counter()
        ids, active, self.state = self.tracker.update(self.state, slots)
        self.milliseconds.append(1e3 * (time.perf_counter() - started))
        result = select_instances(
            slots=slots,
            mask_logits=outputs.mask_logits,
            ids=ids,
            active=active,
            mask_logit_thr=self.mask_logit_thr,
            padded_shape=outputs.padded_shape,
            img_shape=outputs.img_shape,
            ori_shape=outputs.frame['ori_shape'],
            classes=self.classes,
            frame_index=outputs.frame['frame_id'],
        )
        record = metric_record(result, outputs.frame)
        for metric in self.metrics:
            metric.process({}, [record])

    def figures(self) -> dict[str, float]:
        """All metrics, and the median time of an update in milliseconds."""
        figures = {'update_ms': float(np.median(self.milliseconds))}
        for metric in self.metrics:
            metric.require_same_videos(self._video_ids)
            figures.update({name: float(value) for name, value in metric.evaluate().items()})
        return figures


def network_outputs(model: RCF, dataloader: DataLoader) -> Iterator[FrameOutputs]:
    """Run the network over all frames."""
    stream = FrameStream(model)
    with OutputRecorder(model) as recorder:
        for data_batch in dataloader:
            yield recorder.frame(stream.process(data_batch))


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Compare with the options of the command line."""
    args = parse_args(arguments)
    names = args.tracker or list(DEFAULT_TRACKERS)
    for name in names:
        parse_tracker(name)
    config = load_config(args.config, args.cfg_options)
    set_up_process(config)
    loader = config.get(f'{args.split}_dataloader')
    if not loader or not config.get(f'{args.split}_evaluator'):
        raise InputError(f'config {args.config}: has no {args.split}_dataloader and {args.split}_evaluator; add them')
    if not args.outputs:
        require_data([config], loaders=(f'{args.split}_dataloader',))
    with ExitStack() as stack:
        if args.outputs:
            frames = stack.enter_context(SavedOutputs(args.outputs))
            settings, count = frames.settings, len(frames)
        else:
            model = init_model(config, args.checkpoint, args.device)
            if not isinstance(model, RCF):
                raise InputError(
                    f'config {args.config}: {type(model).__name__} has a tracker of its own; give that of an RCF'
                )
            with explained_config_errors(config):
                dataloader = Runner.build_dataloader(loader, seed=0)
            frames, count = network_outputs(model, dataloader), len(dataloader)
            settings = OutputSettings.of(model, dataloader.dataset.metainfo)
        with explained_config_errors(config):
            choices = itertools.product(names, args.score_thr, args.mask_thr)
            trials = [
                TrackerTrial(name, settings, metric_configs(config, args.split), score_thr, mask_thr)
                for name, score_thr, mask_thr in choices
            ]
        for outputs in tqdm(frames, total=count, unit='frame'):
            for trial in trials:
                trial.process(outputs)
    figures = {trial.name: trial.figures() for trial in trials}
    table = Table('tracker', *(column.split('/')[-1] for column in COLUMNS))
    for name, values in figures.items():
        table.add_row(name, *(f'{values[column]:.3f}' if column in values else '' for column in COLUMNS))
    Console().print(table)
    if args.json:
        write_json(args.json, figures)


if __name__ == '__main__':
    main()
