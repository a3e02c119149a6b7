"""Before training: does the data set give what the model was built for, and do pasted objects fit into its clips?"""

import logging
from collections.abc import Iterator

import numpy as np
from mmengine.hooks import CheckpointHook, EarlyStoppingHook, Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mmrcf.datasets import JointDataset, YouTubeVISDataset
from mmrcf.datasets.clips import ClipRequest, clip_length
from mmrcf.datasets.transforms import VideoCopyPaste
from mmrcf.errors import InputError
from mmrcf.models import RCF, OnlineModel
from mmrcf.registry import HOOKS
from mmrcf.utils import counted, did_you_mean

from ..loops import OnlineValLoop


@HOOKS.register_module()
class DatasetCheckHook(Hook):
    """Stops a run whose model and training data disagree, before it has cost any time.

    A class too many would be trained as "empty", a reference frame too many as a target, and a pasted object of other
    classes under a wrong name, all without a word. Validation begins late, so its first frame is read here.
    """

    def before_train(self, runner: Runner) -> None:
        """Compare them.

        Raises:
            InputError: The number of classes or of reference frames differs, the validation has other classes or not
                the figure that another hook watches, the sources of a ``VideoCopyPaste`` have other classes or clips
                than the data set it is in, or an option lets a clip have more objects than there are queries.
            InputFileError: The first frame of the validation data is missing.
        """
        if runner.val_loop is not None:
            _check_validation(runner)
            _check_watched_figures(runner)
        dataset = runner.train_dataloader.dataset
        for number, part in enumerate(getattr(dataset, 'datasets', [])):
            _check_pastes(part, f'train_dataloader.dataset.datasets[{number}]')
        _check_pastes(dataset, 'train_dataloader.dataset')
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if not isinstance(model, OnlineModel):
            return
        classes = len(dataset.metainfo['classes'])
        if classes != model.num_classes:
            raise InputError(
                f'model: num_classes={model.num_classes}, but the training data has {counted(classes, "class")}; '
                'correct num_classes or metainfo.classes'
            )
        if runner.val_loop is not None:
            _check_validation_classes(runner, tuple(dataset.metainfo['classes']))
        if isinstance(model, RCF):
            for number, part in enumerate(getattr(dataset, 'datasets', [])):
                _check_queries(part, model.head.num_queries, f'train_dataloader.dataset.datasets[{number}]')
            _check_queries(dataset, model.head.num_queries, 'train_dataloader.dataset')
        if isinstance(model, RCF) and isinstance(dataset, YouTubeVISDataset | JointDataset):
            _check_clip(dataset)
        if isinstance(model, RCF) and dataset.num_references != model.neck.num_references:
            raise InputError(
                f'model.neck.num_references={model.neck.num_references}, but the training data has '
                f'num_references={dataset.num_references}; make them equal'
            )


def _check_validation(runner: Runner) -> None:
    """Read the first frame of the validation data; an online model takes one frame after the other."""
    loop, loader = runner.val_loop, runner.val_loop.dataloader
    _read_item(loader.dataset, 0, 'val_dataloader.dataset')
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    if not isinstance(model, OnlineModel):
        return
    if not isinstance(loop, OnlineValLoop):
        raise InputError(
            f'val_cfg: is a {type(loop).__name__}, expected OnlineValLoop for this model; correct its type'
        )
    if loader.batch_size != 1:
        raise InputError(
            f'val_dataloader.batch_size={loader.batch_size}, expected 1, since frames go through one by one'
        )


def _check_validation_classes(runner: Runner, trained: tuple[str, ...]) -> None:
    """Compare the names that the validation gives to the labels, those of its data and its metrics, with ``trained``.

    Raises:
        InputError: They are others, or in another order: every figure would be of wrong names.
    """
    metainfo = getattr(runner.val_loop.dataloader.dataset, 'metainfo', {})
    named = {'val_dataloader.dataset.metainfo.classes': metainfo.get('classes')}
    for metric in runner.val_loop.evaluator.metrics:
        named[f'val_evaluator: classes of {type(metric).__name__}'] = getattr(metric, 'classes', None)
    for field, classes in named.items():
        if isinstance(classes, list | tuple) and tuple(classes) != trained:
            difference = ', '.join(sorted(set(classes) ^ set(trained))[:4]) or 'their order'
            raise InputError(
                f'{field}: {counted(len(classes), "class")}, which differ from the {len(trained)} of the training data '
                f'in {difference}; give the validation the classes of the training, in their order'
            )


def _check_watched_figures(runner: Runner) -> None:
    """Check that the validation gives the figures by which the best checkpoint is chosen, or the training stopped.

    Metrics of other packages do not tell the names of theirs, and one that writes a submission would write it.

    Raises:
        InputError: It gives no figure of that name, or it is not said whether more or less of it is better.
    """
    watched = []
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook) and hook.save_best is not None:
            for name, rule in zip(hook.key_indicators, hook.rules, strict=True):
                if name == 'auto' and rule is None:
                    raise InputError(
                        "default_hooks.checkpoint.save_best='auto' is the first figure of the validation; add "
                        "rule='greater', or 'less'"
                    )
                watched += [('default_hooks.checkpoint.save_best', name)] * (name != 'auto')
        elif isinstance(hook, EarlyStoppingHook):
            watched.append(('custom_hooks: monitor of EarlyStoppingHook', hook.monitor))
    metrics = runner.val_loop.evaluator.metrics
    if not watched or not all(hasattr(item, 'figure_names') for item in metrics):
        return
    if any(getattr(item, 'outfile_prefix', None) for item in metrics):
        return
    names = [name for item in metrics for name in item.figure_names()]
    for field, name in watched:
        if name not in names:
            raise InputError(
                f'{field}={name!r} is no metric of the validation{did_you_mean(name, names)}; they are '
                f'{", ".join(names)}; correct it'
            )


def _check_clip(dataset: Dataset) -> None:
    """Read one training clip, without a use of the random numbers of the training."""
    name = 'train_dataloader.dataset'
    item = _read_item(dataset, ClipRequest(0, (0,)), name)
    if any('gt_instances' not in frame for frame in item['data_samples']):
        raise InputError(f'{name}: its clips have no objects; add LoadClipAnnotations to the pipeline')


def _read_item(dataset: Dataset, index: int | ClipRequest, name: str) -> dict:
    """An item of a data set, with what a model takes.

    Raises:
        InputError: A step of its pipeline lacks what an earlier one has to give, or the last one gives something else.
    """
    try:
        item = dataset[index]
    except KeyError as error:
        raise InputError(
            f'{name}: a step of its pipeline needs {error}, which no step before it gives; check the steps and their '
            'order'
        ) from error
    if not isinstance(item, dict) or not {'inputs', 'data_samples'} <= item.keys():
        raise InputError(f'{name}: its pipeline gives no inputs and data_samples; end it with PackClip')
    return item


def _check_queries(dataset: Dataset, num_queries: int, name: str) -> None:
    """Compare the objects of a data set with the queries; objects beyond them are counted in the log.

    Raises:
        InputError: An option lets a clip have more objects than there are queries.
    """
    limits = {'max_objects': getattr(dataset, 'max_objects', None)}
    for paste in _find_pastes(getattr(dataset, 'pipeline', None)):
        limits['VideoCopyPaste: max_total'] = paste.max_total
    for field, limit in limits.items():
        if limit is not None and limit > num_queries:
            raise InputError(
                f'{name}: {field}={limit}, but the model has num_queries={num_queries}, one for each object; lower the '
                'one or raise the other'
            )
    counts = getattr(dataset, 'object_counts', np.zeros(0, int))
    beyond = (counts - num_queries).clip(min=0)
    if beyond.any():
        print_log(
            f'{name}: {(beyond > 0).sum()} of {len(counts)} frames have more objects than num_queries={num_queries}; '
            f'{beyond.sum()} of {counts.sum()} objects get no query and are trained as background; raise '
            'model.head.num_queries',
            'current',
            logging.WARNING,
        )


def _check_pastes(dataset: Dataset, name: str) -> None:
    """Compare what is pasted into the clips of a data set with the clips."""
    for paste in _find_pastes(getattr(dataset, 'pipeline', None)):
        classes, expected = paste.sources.classes, tuple(dataset.metainfo['classes'])
        if classes != expected:
            raise InputError(
                f'{name}: VideoCopyPaste: the sources have the classes {classes}, but the data set has {expected}; '
                'set the same metainfo.classes, in the same order, on all of them'
            )
        length, own_length = paste.sources.clip_length, clip_length(dataset)
        if own_length not in (None, length):
            raise InputError(
                f'{name}: VideoCopyPaste: the sources give clips of {counted(length, "frame")}, but the data set of '
                f'{own_length}; set the same num_references and num_targets on all of them'
            )


def _find_pastes(step: object) -> Iterator[VideoCopyPaste]:
    """Those of a pipeline, also inside transforms that choose or repeat others."""
    if isinstance(step, VideoCopyPaste):
        yield step
    for inner in getattr(step, 'transforms', ()):
        yield from _find_pastes(inner)
