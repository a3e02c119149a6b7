"""The description of an exported step: enough to run it as a stream without the config that it came from."""

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args

import numpy as np

from mmrcf.errors import InputError

STATE_OUTPUTS = {
    'seen': 'next_seen',
    'references': 'next_references',
    'previous_masks': 'masks',
    'audio_features': 'next_audio_features',
    'audio_valid': 'next_audio_valid',
}
"""The state of a stream: each input of the graph with the output of the frame before that it takes."""

SIZES = ('pad_size_divisor', 'num_classes', 'num_queries', 'token_channels', 'token_stride', 'mask_stride')
MAX_SIZE = 2**16
"""Largest of the sizes that a description states."""
MAX_STATE_BYTES = 2**30
"""Largest state of a stream, which is allocated at its first frame."""


@dataclass(frozen=True)
class StepInfo:
    """The description of an exported step; every field is one entry of the file's metadata, as JSON.

    Attributes:
        mmrcf_version: Version of this package that wrote the file.
        config: The whole config, for the record.
        class_names: Names of the K classes; empty where they are unknown.
        pipeline: The test pipeline without the transforms that read files: it makes ``frame`` of a picture.
        tracker: The tracker, which runs outside the graph.
        score_thr: A slot fires if its score reaches this.
        mask_thr: Probability above which a pixel belongs to a mask.
        mean, std: Normalisation of the channels, which is part of the graph.
        bgr_to_rgb: Whether the graph turns the channels of ``frame`` round first.
        pad_size_divisor: The graph pads height and width, at the bottom and right, to multiples of this.
        frame_shape: Height and width that ``frame`` must have; None for any.
        num_classes: K.
        num_queries: N.
        num_references: delta.
        token_channels: Channels C of a reference.
        token_stride: Pixels of the padded frame for each cell of a reference.
        mask_stride: Pixels of the padded frame for each cell of a mask.
        audio_dims: Width D of the feature of a patch of audio; None for a visual-only model.
        overlaps: Whether the overlaps of the masks come out of the graph, and the masks of the frame before go in.
        opset: Version of the ONNX operators; None for a file that is not ONNX.
        precision: 'float32' or 'int8'.
    """

    mmrcf_version: str
    config: dict
    class_names: list
    pipeline: list
    tracker: dict
    score_thr: float
    mask_thr: float
    mean: list
    std: list
    bgr_to_rgb: bool
    pad_size_divisor: int
    frame_shape: list | None
    num_classes: int
    num_queries: int
    num_references: int
    token_channels: int
    token_stride: int
    mask_stride: int
    audio_dims: int | None
    overlaps: bool
    opset: int | None
    precision: str

    def to_metadata(self) -> dict[str, str]:
        """The fields as JSON texts by name, with ``state``: which output goes back into which input."""
        carried = {name: STATE_OUTPUTS[name] for name in self.first_state((1, 1))}
        # Of the config, which is for the record only, whatever JSON cannot hold becomes its text.
        content = asdict(self) | {'state': carried}
        return {name: json.dumps(value, default=str) for name, value in content.items()}

    @classmethod
    def from_metadata(cls, texts: dict[str, str], origin: object) -> 'StepInfo':
        """Read what :meth:`to_metadata` wrote.

        Args:
            texts: JSON texts by name; further ones are ignored.
            origin: The file, for messages.

        Raises:
            InputError: A field is missing or is not what it should be.
        """
        values = {}
        for field in fields(cls):
            if field.name not in texts:
                raise InputError(
                    f'{origin}: its metadata has no field {field.name}; write it with tools/export/onnx_export.py'
                )
            values[field.name] = _checked_value(texts[field.name], field.name, field.type, origin)
        for name in (*SIZES, 'num_references', 'audio_dims'):
            least = 0 if name == 'num_references' else 1
            if values[name] is not None and not least <= values[name] <= MAX_SIZE:
                raise InputError(
                    f'{origin}: metadata field {name} is {values[name]}, expected {least} to {MAX_SIZE}; '
                    'export the model again'
                )
        for name, kind, count in (('class_names', str, None), ('frame_shape', int, 2)):
            entries = values[name]
            if entries is not None and (
                any(type(entry) is not kind for entry in entries) or count not in (None, len(entries))
            ):
                raise InputError(f'{origin}: metadata field {name} is {entries!r:.40}; export the model again')
        return cls(**values)

    def padded_shape(self, frame_shape: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the padded frame inside the graph."""
        return padded_shape(frame_shape, self.pad_size_divisor)

    def first_state(self, frame_shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """The state inputs at the first frame of a stream: zeros. ``seen`` is 0, so they are not used.

        Args:
            frame_shape: Height and width of ``frame``.

        Raises:
            InputError: It would take more than ``MAX_STATE_BYTES``.
        """
        padded = self.padded_shape(frame_shape)
        tokens, cells = ([-(-side // stride) for side in padded] for stride in (self.token_stride, self.mask_stride))
        state: dict[str, tuple[tuple[int, ...], type]] = {}
        if self.num_references:
            state['seen'] = (), np.int64
            state['references'] = (self.num_references, self.token_channels, *tokens), np.float32
        if self.overlaps:
            state['previous_masks'] = (self.num_queries, *cells), np.bool_
        if self.audio_dims is not None and self.num_references:
            state['audio_features'] = (self.num_references, self.audio_dims), np.float32
            state['audio_valid'] = (self.num_references,), np.bool_
        size = sum(math.prod(shape) * np.dtype(kind).itemsize for shape, kind in state.values())
        if size > MAX_STATE_BYTES:
            raise InputError(
                f'the state of a stream of {frame_shape[1]}x{frame_shape[0]} takes {size} bytes, expected at most '
                f'{MAX_STATE_BYTES}; give smaller frames, or export the model again'
            )
        return {name: np.zeros(shape, kind) for name, (shape, kind) in state.items()}

    def wrong_output(self, outputs: dict[str, np.ndarray]) -> str | None:
        """The name of an output of the graph that is missing or of another shape or type; None where all are right."""
        queries = self.num_queries
        expected = {'scores': ('f', (queries,)), 'class_probs': ('f', (queries, self.num_classes))}
        cells, dims = (np.shape(outputs.get(name))[1:] or (0, 0) for name in ('masks', 'codes'))
        expected |= dict(masks=('b', (queries, *cells[:2])), mask_logits=('f', (queries, *cells[:2])))
        expected['codes'] = 'f', (queries, *dims[:1])
        if self.overlaps:
            expected |= dict.fromkeys(('overlaps', 'previous_overlaps'), ('f', (queries, queries)))
        for name, (kind, shape) in expected.items():
            array = outputs.get(name)
            if array is None or array.dtype.kind != kind or array.shape != shape:
                return name
        return None


def padded_shape(shape: tuple[int, int], divisor: int) -> tuple[int, int]:
    """The multiples of ``divisor`` from ``shape`` up."""
    height, width = ((side + divisor - 1) // divisor * divisor for side in shape)
    return height, width


def _checked_value(text: str, name: str, kind: Any, origin: object) -> Any:
    """The value of one JSON text. ``kind`` is a type, or a union of types."""
    kinds = get_args(kind) or (kind,)
    try:
        value = json.loads(text)
        if isinstance(value, int) and float in kinds and not isinstance(value, bool):
            value = float(value)
    except (ValueError, RecursionError, OverflowError):
        value = text
    if type(value) not in kinds:
        expected = ' or '.join('null' if one is type(None) else one.__name__ for one in kinds)
        raise InputError(
            f'{origin}: metadata field {name} is {text[:40]!r}, expected {expected}; export the model again'
        )
    return value
