"""Outputs of the instance queries of a test run: recorded frame by frame, saved in one file, and read again.

The file is a zip of a ``header.json`` and, in the order of the frames, an ``.npz`` each. A frame is written as it comes
and read as it is asked for, so neither takes more memory for a longer data set.
"""

import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from mmrcf.datasets.annotations.view import MAX_SIDE, AnnotationView
from mmrcf.errors import InputError
from mmrcf.models import RCF
from mmrcf.models.heads import SlotOutputs
from mmrcf.models.vis.postprocess import slot_predictions, valid_masks
from mmrcf.registry import HOOKS
from mmrcf.structures import SlotPredictions
from mmrcf.utils import parse_json
from mmrcf.utils.archives import open_zip, read_arrays, read_member

HEADER = 'header.json'
VERSION = 2
MAX_MEMBER_BYTES = 2**29
"""Largest frame that is read: 192 queries with masks of 960x540 cells are 400 MB."""
SAVED_SCORE = 0.1
"""Queries with a lower score are saved without their masks, unless the threshold of the model is lower still."""


@dataclass(frozen=True, eq=False)
class FrameOutputs:
    """The predictions of the N queries of a model for one frame, before threshold and tracker.

    Attributes:
        frame: ``video_id``, ``frame_id``, ``video_length``, ``ori_shape`` (H, W), as the metrics get them.
        img_shape: Height and width of the frame in the network's input, without padding.
        padded_shape: Height and width of the network's input.
        class_probs: (N, K). Probabilities of the classes without the empty one.
        codes: (N, C_e). Instance codes.
        mask_logits: (N, H_o, W_o); minus infinity for queries that were saved without a mask.
    """

    frame: Mapping[str, Any]
    img_shape: tuple[int, int]
    padded_shape: tuple[int, int]
    class_probs: Tensor
    codes: Tensor
    mask_logits: Tensor

    def slots(self, score_thr: float, mask_logit_thr: float) -> SlotPredictions:
        """The input of a tracker, with these thresholds; see :class:`~mmrcf.models.RCF`."""
        masks = valid_masks(self.mask_logits, mask_logit_thr, self.img_shape, self.padded_shape)
        return slot_predictions(masks, self.class_probs, self.codes, score_thr)


@dataclass(frozen=True)
class OutputSettings:
    """The model behind outputs, and the data set that it was run on.

    Attributes:
        classes: Class names by label.
        score_thr: ``model.score_thr``.
        mask_thr: ``model.mask_thr``.
        score_masks: ``model.score_masks``: class probabilities depend on ``mask_thr`` then.
        saved_score: Queries with a lower score have no mask.
        tested: The tested part of the annotation file, as ``metainfo['tested']`` of the data set; None where the data
            set does not say.
    """

    classes: tuple[str, ...]
    score_thr: float
    mask_thr: float
    score_masks: bool
    saved_score: float
    tested: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, model: RCF, metainfo: Mapping[str, Any], saved_score: float = 0.0) -> 'OutputSettings':
        """The settings of ``model`` on the data set with this ``metainfo``."""
        classes, tested = tuple(metainfo['classes']), metainfo.get('tested')
        return cls(classes, model.score_thr, model.mask_thr, model.score_masks, saved_score, tested)

    @property
    def dataset_meta(self) -> dict[str, Any]:
        """What the metrics take of the data set."""
        return dict(classes=self.classes, tested=self.tested)


class OutputRecorder:
    """Keeps the outputs of the last frame of a running model, inside its ``with`` block. Its results do not change.

    Args:
        model: It runs inside the block, one stream and frame at a time.

    Attributes:
        outputs: All the head's outputs for the last frame.
        slots: The predictions made of them.

    Raises:
        InputError: The model is no RCF.
    """

    def __init__(self, model: nn.Module) -> None:
        if not isinstance(model, RCF):
            raise InputError(
                f'query outputs: {type(model).__name__} has no instance queries; give the config of an RCF'
            )
        self.model = model
        self.outputs: SlotOutputs | None = None
        self.slots: SlotPredictions | None = None
        self._shapes: tuple[tuple[int, int], tuple[int, int]] | None = None

    def __enter__(self) -> 'OutputRecorder':
        self._predict = self.model.slot_predictions
        self.model.slot_predictions = self._record
        return self

    def __exit__(self, *_exc_info: object) -> None:
        del self.model.slot_predictions

    def _record(self, output: SlotOutputs, img_shape: tuple[int, int], padded_shape: tuple[int, int]):
        self.outputs, self._shapes = output, (tuple(img_shape), tuple(padded_shape))
        self.slots = self._predict(output, img_shape, padded_shape)
        return self.slots

    def frame(self, record: Mapping[str, Any]) -> FrameOutputs:
        """The outputs of the frame that the model has just processed.

        Args:
            record: What :meth:`~mmrcf.engine.loops.FrameStream.process` returned for it.
        """
        frame = {key: record[key] for key in ('video_id', 'frame_id', 'video_length', 'ori_shape')}
        logits = self.outputs.mask_logits[0]
        # Those of the tracker's input leave out the masks of slots that the threshold of the model excludes.
        class_probs = self.model.class_probs(
            self.outputs, valid_masks(logits, self.model.mask_logit_thr, *self._shapes)
        )
        return FrameOutputs(frame, *self._shapes, class_probs, self.slots.codes, logits)


class OutputWriter:
    """Writes a file of query outputs, frame by frame.

    Args:
        path: The file. It appears under this name at once: give the path of an ``atomic_output``.
        settings: Of the run.
    """

    def __init__(self, path: str | Path, settings: OutputSettings) -> None:
        self._settings = settings
        self._zip = zipfile.ZipFile(path, 'w', zipfile.ZIP_STORED)
        self._zip.writestr(HEADER, json.dumps(dict(version=VERSION, **asdict(settings))))
        self._count = 0

    def add(self, outputs: FrameOutputs) -> None:
        """Append a frame."""
        kept = (outputs.class_probs.max(-1).values >= self._settings.saved_score).nonzero().flatten()
        arrays = dict(
            class_probs=outputs.class_probs, codes=outputs.codes, kept=kept, mask_logits=outputs.mask_logits[kept]
        )
        arrays = {
            name: (array.float() if array.dtype == torch.bfloat16 else array).cpu().numpy()
            for name, array in arrays.items()
        }
        shapes = dict(
            img_shape=outputs.img_shape, padded_shape=outputs.padded_shape, map_shape=outputs.mask_logits.shape[-2:]
        )
        content = io.BytesIO()
        np.savez_compressed(content, **arrays, **shapes, **outputs.frame)
        self._zip.writestr(f'{self._count:08d}.npz', content.getbuffer())
        self._count += 1

    def close(self) -> None:
        """Finish the file."""
        self._zip.close()


class SavedOutputs:
    """A file of query outputs, as :class:`OutputWriter` leaves it; use it in a ``with`` block.

    Args:
        path: The file.

    Attributes:
        settings: Of the run.

    Raises:
        InputFileError: The file is missing.
        InputError: It is no file of query outputs.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._where = f'query outputs {path}'
        self._zip = open_zip(path, 'query outputs')
        header = parse_json(read_member(self._zip, HEADER, self._where, MAX_MEMBER_BYTES), f'{self._where}: {HEADER}')
        version = header.pop('version', None) if isinstance(header, dict) else None
        if version is not None and version != VERSION:  # whose header may have other fields
            raise InputError(f'{self._where}: has version {version}, expected {VERSION}; save the outputs again')
        if version is None or OutputSettings.__annotations__.keys() != header.keys():
            raise InputError(f'{self._where}: not a file of query outputs; give one of tools/test.py --save-outputs')
        self.settings = _checked_settings(header, self._where)

    def __enter__(self) -> 'SavedOutputs':
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._zip.close()

    def __len__(self) -> int:
        return len(self._zip.namelist()) - 1

    def __iter__(self) -> Iterator[FrameOutputs]:
        """The frames, in the order in which they were tested."""
        for name in self._zip.namelist()[1:]:
            yield _frame_outputs(read_arrays(self._zip, name, self._where, MAX_MEMBER_BYTES), f'{self._where}: {name}')


def _checked_settings(header: dict[str, Any], where: str) -> OutputSettings:
    classes = header['classes']
    numbers = [header[name] for name in ('score_thr', 'mask_thr', 'saved_score')]
    if not (
        isinstance(classes, list)
        and all(isinstance(name, str) for name in classes)
        and all(type(number) in (int, float) and 0 <= number <= 1 for number in numbers)
        and isinstance(header['score_masks'], bool)
        and (header['tested'] is None or _is_tested_part(header['tested']))
    ):
        raise InputError(f'{where}: {HEADER} has a field of another type or range; save the outputs again')
    return OutputSettings(**header | dict(classes=tuple(classes)))


def _is_tested_part(value: Any) -> bool:
    """Whether ``value`` is ``metainfo['tested']`` of a data set as JSON."""
    if not isinstance(value, dict) or value.keys() != {'view', 'video_ids'} or not isinstance(value['view'], dict):
        return False
    view = value['view']
    if view.keys() != {field.name for field in fields(AnnotationView)}:
        return False
    class_map, names = view['class_map'], (view['only'], view['exclude'])
    return (
        (isinstance(class_map, str | None) or (isinstance(class_map, dict) and _is_list_of(str, [*class_map.values()])))
        and all(isinstance(given, str | None) or _is_list_of(str | int, given) for given in names)
        and isinstance(view['max_side'], int)
        and _is_list_of(int, value['video_ids'])
    )


def _is_list_of(kinds: Any, value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, kinds) for item in value)


_FRAME_FIELDS = ('video_id', 'frame_id', 'video_length')
_SHAPES = ('ori_shape', 'img_shape', 'padded_shape', 'map_shape')


def _frame_outputs(saved: Mapping[str, np.ndarray], where: str) -> FrameOutputs:
    """The outputs of a saved frame; masks that were not kept are empty, with logits of minus infinity."""
    expected = dict.fromkeys(_FRAME_FIELDS, ('iu', 0)) | dict.fromkeys(_SHAPES, ('iu', 1))
    expected |= dict(class_probs=('f', 2), codes=('f', 2), kept=('i', 1), mask_logits=('f', 3))
    for name, (kinds, dimensions) in expected.items():
        if name not in saved or saved[name].dtype.kind not in kinds or saved[name].ndim != dimensions:
            raise InputError(f'{where}: {name} is missing or of another type; save the outputs again')
    queries, kept = len(saved['class_probs']), saved['kept']
    shapes = {name: tuple(saved[name].tolist()) for name in _SHAPES}
    sound = (
        all(len(shape) == 2 and min(shape) > 0 and max(shape) <= MAX_SIDE for shape in shapes.values())
        and len(saved['codes']) == queries
        and saved['mask_logits'].shape == (len(kept), *shapes['map_shape'])
        and len(np.unique(kept)) == len(kept) <= queries
        and (len(kept) == 0 or 0 <= kept.min() <= kept.max() < queries)
        and queries * math.prod(shapes['map_shape']) <= MAX_MEMBER_BYTES
    )
    if not sound:
        raise InputError(f'{where}: its arrays do not fit each other; save the outputs again')
    class_probs, logits = torch.from_numpy(saved['class_probs']), torch.from_numpy(saved['mask_logits'])
    every = logits.new_full((queries, *shapes.pop('map_shape')), -torch.inf)
    every[torch.from_numpy(kept)] = logits
    frame = {key: int(saved[key]) for key in _FRAME_FIELDS}
    return FrameOutputs(
        frame=frame | dict(ori_shape=shapes.pop('ori_shape')),
        class_probs=class_probs,
        codes=torch.from_numpy(saved['codes']),
        mask_logits=every,
        **shapes,
    )


@HOOKS.register_module()
class SaveOutputsHook(Hook):
    """Saves the query outputs of a test run, for ``tools/analysis_tools/compare_trackers.py``.

    Args:
        path: The file, written from the start of the test on; see :class:`OutputWriter`.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def before_test(self, runner: Runner) -> None:
        """Open the file. Raises :class:`InputError` for a model that is no RCF."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self._recorder = OutputRecorder(model)
        metainfo = runner.test_dataloader.dataset.metainfo
        self._writer = OutputWriter(
            self.path, OutputSettings.of(model, metainfo, saved_score=min(SAVED_SCORE, model.score_thr))
        )
        self._recorder.__enter__()

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs=None) -> None:
        """Write the frame."""
        self._writer.add(self._recorder.frame(outputs[0]))

    def after_test(self, runner: Runner) -> None:
        """Finish the file."""
        self._recorder.__exit__()
        self._writer.close()
