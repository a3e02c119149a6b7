"""Score several trackers on the same outputs of one network.

``python tools/analysis_tools/compare_trackers.py CONFIG CHECKPOINT --tracker 'MatchingFreeTracker(duplicate_iou=0.6)'``
"""

import argparse
import ast
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from mmrcf.apis import init_model
from mmrcf.engine.command_line import add_cfg_options, add_device, add_json
from mmrcf.engine.config import explained_config_errors, load_config, set_threads
from mmrcf.engine.loops import metric_record
from mmrcf.errors import InputError, exit_on_bad_input
from mmrcf.models import RCF
from mmrcf.models.audio_encoders.streaming import stream_tokens
from mmrcf.models.trackers import BaseTracker
from mmrcf.models.vis.postprocess import select_instances
from mmrcf.registry import METRICS, MODELS
from mmrcf.structures import AudioMemory, AudioPatch, SlotPredictions, TrackState
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
    """One tracker, its state in the current video, and its metrics.

    Args:
        model: The network; its own tracker is not used.
        text: The tracker as on the command line.
        evaluators: Configs of the metrics.
    """

    def __init__(self, model: RCF, text: str, evaluators: Sequence[dict]) -> None:
        self.model = model
        self.tracker: BaseTracker = MODELS.build(parse_tracker(text))
        self.metrics = [METRICS.build(evaluator) for evaluator in evaluators]
        for metric in self.metrics:
            metric.dataset_meta = model.dataset_meta
        self.state: TrackState | None = None
        self.milliseconds: list[float] = []

    def process(self, slots: SlotPredictions, mask_logits: torch.Tensor, sample, padded_shape: tuple[int, int]) -> None:
        """Track one frame and hand the result to the metrics."""
        meta = sample.video_data_samples[0].metainfo
        if meta['frame_id'] == 0:
            self.state = self.tracker.init_state(len(slots.scores), slots.scores.device)
        started = time.perf_counter()
        ids, active, self.state = self.tracker.update(self.state, slots)
        self.milliseconds.append(1e3 * (time.perf_counter() - started))
        result = select_instances(
            slots=slots,
            mask_logits=mask_logits,
            ids=ids,
            active=active,
            mask_logit_thr=self.model.mask_logit_thr,
            padded_shape=padded_shape,
            img_shape=meta['img_shape'][:2],
            ori_shape=meta['ori_shape'][:2],
            classes=self.model.dataset_meta['classes'],
            frame_index=meta['frame_id'],
        )
        record = metric_record(result, sample)
        for metric in self.metrics:
            metric.process({}, [record])

    def figures(self, num_frames: int) -> dict[str, float]:
        """All metrics, and the median time of an update in milliseconds."""
        figures = {'update_ms': float(np.median(self.milliseconds))}
        for metric in self.metrics:
            figures.update({name: float(value) for name, value in metric.evaluate(num_frames).items()})
        return figures


@torch.no_grad()
def compare(model: RCF, dataloader, trials: Sequence[TrackerTrial]) -> None:
    """Run the network once over all frames, and every tracker on each."""
    references, memory, tokens = (), AudioMemory(), None
    for data_batch in tqdm(dataloader, unit='frame'):
        batch = model.data_preprocessor(data_batch, False)
        frame, sample = batch['inputs']['img'][0], batch['data_samples'][0]
        meta = sample.video_data_samples[0].metainfo
        if meta['frame_id'] == 0:
            references, memory = (), AudioMemory()
        if model.uses_audio:
            tokens, memory = stream_tokens(model.audio_encoder, AudioPatch.of_batch(batch['inputs'], 0, 0), memory)
        output, feature = model.decode_frame(frame, references, meta['img_shape'][:2], tokens)
        references = model.newest_references(feature, references)
        slots = model.slot_predictions(output, meta['img_shape'][:2], frame.shape[-2:])
        for trial in trials:
            trial.process(slots, output.mask_logits[0], sample, tuple(frame.shape[-2:]))


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Score trackers on the same outputs of one network')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='weights')
    parser.add_argument('--split', choices=('val', 'test'), default='test', help='data of the config to use')
    parser.add_argument(
        '--tracker', action='append', metavar='NAME(KEY=VALUE, ...)', help='a tracker; may be given several times'
    )
    add_device(parser)
    add_json(parser)
    add_cfg_options(parser)
    return parser.parse_args(arguments)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Compare as the command line says."""
    args = parse_args(arguments)
    names = args.tracker or list(DEFAULT_TRACKERS)
    for name in names:
        parse_tracker(name)
    config = load_config(args.config, args.cfg_options)
    set_threads(config)
    init_default_scope(config.get('default_scope', 'mmrcf'))
    loader, evaluators = config.get(f'{args.split}_dataloader'), config.get(f'{args.split}_evaluator')
    if not loader or not evaluators:
        raise InputError(f'config {args.config}: has no {args.split}_dataloader and {args.split}_evaluator; add them')
    model = init_model(config, args.checkpoint, args.device)
    if not isinstance(model, RCF):
        raise InputError(f'config {args.config}: {type(model).__name__} has a tracker of its own; give that of an RCF')
    with explained_config_errors(config):
        dataloader = Runner.build_dataloader(loader, seed=0)
        evaluators = evaluators if isinstance(evaluators, list) else [evaluators]
        trials = [TrackerTrial(model, name, evaluators) for name in names]
    compare(model, dataloader, trials)
    figures = {name: trial.figures(len(dataloader.dataset)) for name, trial in zip(names, trials, strict=True)}
    table = Table('tracker', *(column.split('/')[-1] for column in COLUMNS))
    for name, values in figures.items():
        table.add_row(name, *(f'{values[column]:.3f}' if column in values else '' for column in COLUMNS))
    Console().print(table)
    if args.json:
        write_json(args.json, figures)


if __name__ == '__main__':
    main()
