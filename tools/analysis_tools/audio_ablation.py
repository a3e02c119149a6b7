"""Measure the gain from audio: a model with the audio of the video, without audio, with silence, with other audio.

``python tools/analysis_tools/audio_ablation.py CONFIG CHECKPOINT --counterpart CONFIG CHECKPOINT``
"""

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path

from mmrcf.command_line import add_cfg_options, add_device, add_json, add_split, add_table, start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Measure a model with the audio of the video and with other audio')
    parser.add_argument('config', help='config file of an audio-visual model')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument(
        '--counterpart', nargs=2, metavar=('CONFIG', 'CHECKPOINT'), help='a visual-only model, to compare with'
    )
    add_split(parser, 'data of the configs to use')
    add_device(parser)
    add_json(parser)
    add_table(parser, 'audio')
    parser.add_argument('--results', metavar='FOLDER', help='write the tracks of each run there, for audio_ttest.py')
    add_cfg_options(parser, 'the configs')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from tqdm import tqdm

from mmrcf.apis import init_model
from mmrcf.datasets.avis import AUDIO_VARIANTS
from mmrcf.engine.config import load_config, metric_configs, set_up_process
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.engine.config_options import override
from mmrcf.engine.loops import FrameStream
from mmrcf.evaluation.metrics.frame_metric import split_source
from mmrcf.models import RCF
from mmrcf.registry import METRICS
from mmrcf.utils import write_json
from mmrcf.utils.markdown import markdown_table, write_between_markers

LABELS = dict(zip(AUDIO_VARIANTS, ('own audio', 'no audio', 'recorded silence', "another video's audio"), strict=True))
"""How the table calls what ``AVISDataset.audio`` can be."""
COUNTERPART = 'counterpart'
COLUMNS = {
    'vis/AP': 'AP',
    'vis/AP50': 'AP50',
    'pairs/AP': 'AP, both members',
    'order/class_accuracy': 'class accuracy',
    'pairs/frame_accuracy': 'right member (frames)',
    'pairs/sounding_frame_accuracy': 'right member (sounding frames)',
    'pairs/track_accuracy': 'right member (objects)',
    'order/id_changes': 'ID changes',
}
_IN_PERCENT = ('vis/AP', 'vis/AP50', 'pairs/AP')


class SharedFeatures:
    """Lets runs of one model over the same frames share the backbone's work, while its ``with`` block lasts.

    Args:
        model: Its features of a frame are kept until another frame comes.
    """

    def __init__(self, model: RCF) -> None:
        self.model = model
        self._extract = model.extract_feat
        self._frames: torch.Tensor | None = None
        self._levels: tuple[torch.Tensor, ...] = ()

    def __enter__(self) -> 'SharedFeatures':
        self.model.extract_feat = self._features
        return self

    def __exit__(self, *_exc_info: object) -> None:
        del self.model.extract_feat

    def _features(self, frames: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if self._frames is None or not torch.equal(frames, self._frames):
            self._frames, self._levels = frames, self._extract(frames)
        return self._levels


class Trial:
    """A model over the frames of a split, with one kind of audio, and its metrics.

    Args:
        name: One of :data:`AUDIO_VARIANTS`, or :data:`COUNTERPART` for the data as the config has them.
        model: The model.
        config: Its config.
        split: 'val' or 'test'.
        results: Folder for its submission; None writes none.
    """

    def __init__(self, name: str, model: RCF, config: Config, split: str, results: str | None) -> None:
        self.name = name
        config = copy.deepcopy(config)
        if name != COUNTERPART:
            override(config, {f'{split}_dataloader.dataset.audio': name})
        with explained_config_errors(config):
            self.frames = Runner.build_dataloader(config[f'{split}_dataloader'], seed=0)
            self.metrics = [METRICS.build(_evaluator(each, name, results)) for each in metric_configs(config, split)]
        for metric in self.metrics:
            metric.dataset_meta = {**self.frames.dataset.metainfo, **model.dataset_meta}
        self._stream = FrameStream(model)

    def process(self, data_batch: dict) -> None:
        """Run one frame and hand the result to the metrics."""
        record = self._stream.process(data_batch)
        for metric in self.metrics:
            metric.process({}, [record])

    def figures(self) -> dict[str, float]:
        """All metrics."""
        measured = [metric.evaluate(len(self.frames.dataset)) for metric in self.metrics]
        return {name: float(value) for figures in measured for name, value in figures.items()}


def _evaluator(evaluator: dict, name: str, results: str | None) -> dict:
    """The config of a metric; the one that writes submissions gets a place for this one."""
    if results is None or evaluator['type'].split('.')[-1] != 'VISMetric':
        return evaluator
    return dict(evaluator, outfile_prefix=str(Path(results) / name))


def run(trials: Sequence[Trial]) -> dict[str, dict[str, float]]:
    """Run trials over the same frames, side by side.

    Returns:
        The figures of each by its name.
    """
    progress = tqdm(total=len(trials[0].frames.dataset), unit='frame', desc=', '.join(trial.name for trial in trials))
    with progress:
        for batches in zip(*(trial.frames for trial in trials), strict=True):
            for trial, data_batch in zip(trials, batches, strict=True):
                trial.process(data_batch)
            progress.update()
    return {trial.name: trial.figures() for trial in trials}


def table(figures: dict[str, dict[str, float]]) -> str:
    """A Markdown table with a row for each kind of audio, all in percent; '-' for a fraction of nothing."""
    columns = {key: title for key, title in COLUMNS.items() if any(key in values for values in figures.values())}
    rows = []
    for name, values in figures.items():
        shown = [values.get(key, -1.0) * (1 if key in _IN_PERCENT else 100) for key in columns]
        label = LABELS.get(name, 'visual-only counterpart')
        rows.append([label, *(f'{value:.1f}' if value >= 0 else '-' for value in shown)])
    return markdown_table(['', *columns.values()], rows)


def _load(path: str, split: str, cfg_options: dict | None) -> Config:
    config = load_config(path, cfg_options)
    if not config.get(f'{split}_dataloader') or not config.get(f'{split}_evaluator'):
        raise InputError(f'config {path}: has no {split}_dataloader and {split}_evaluator; add them')
    return config


def _annotations(config: Config, split: str) -> set[Path]:
    """The annotation files of all metrics."""
    sources = [(each['ann_file'], each['type']) for each in metric_configs(config, split) if 'ann_file' in each]
    return {Path(split_source(*source)[0]).resolve() for source in sources}


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line."""
    args = parse_args(arguments)
    config = _load(args.config, args.split, args.cfg_options)
    set_up_process(config)
    counterpart = counterpart_config = None
    if args.counterpart:
        counterpart_config = _load(args.counterpart[0], args.split, args.cfg_options)
        if _annotations(config, args.split) != _annotations(counterpart_config, args.split):
            raise InputError(
                f'--counterpart {args.counterpart[0]}: its {args.split}_evaluator has other annotation files than '
                f'that of {args.config}; give configs of the same data'
            )
    model = init_model(config, args.checkpoint, args.device)
    if not model.uses_audio:
        raise InputError(f'config {args.config}: the model is visual-only; give the config of one with audio_encoder')
    if args.counterpart:
        counterpart_model = init_model(counterpart_config, args.counterpart[1], args.device)
        counterpart = Trial(COUNTERPART, counterpart_model, counterpart_config, args.split, args.results)
    trials = [Trial(name, model, config, args.split, args.results) for name in AUDIO_VARIANTS]
    with SharedFeatures(model):
        figures = run(trials)
    if counterpart is not None:
        figures |= run([counterpart])
    print(table(figures))
    if args.json:
        write_json(args.json, figures)
    if args.table:
        write_between_markers(args.table, 'audio', table(figures))


if __name__ == '__main__':
    main()
