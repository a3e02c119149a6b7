"""The description of an exported step: enough to run it as a stream without the config that it came from."""

import json
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
"""What a stream carries: each input of the graph with the output of the frame before that goes there."""


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
        return cls(**values)

    def padded_shape(self, frame_shape: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the padded frame inside the graph."""
        return padded_shape(frame_shape, self.pad_size_divisor)

    def first_state(self, frame_shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """What goes into the state inputs at the first frame of a stream: zeros. ``seen`` is 0: they hold nothing.

        Args:
            frame_shape: Height and width of ``frame``.
        """
        padded = self.padded_shape(frame_shape)
        tokens, cells = ([-(-side // stride) for side in padded] for stride in (self.token_stride, self.mask_stride))
        state: dict[str, np.ndarray] = {}
        if self.num_references:
            state['seen'] = np.zeros((), np.int64)
            state['references'] = np.zeros((self.num_references, self.token_channels, *tokens), np.float32)
        if self.overlaps:
            state['previous_masks'] = np.zeros((self.num_queries, *cells), bool)
        if self.audio_dims is not None and self.num_references:
            state['audio_features'] = np.zeros((self.num_references, self.audio_dims), np.float32)
            state['audio_valid'] = np.zeros(self.num_references, bool)
        return state


def padded_shape(shape: tuple[int, int], divisor: int) -> tuple[int, int]:
    """The multiples of ``divisor`` from ``shape`` up."""
    height, width = ((side + divisor - 1) // divisor * divisor for side in shape)
    return height, width


def _checked_value(text: str, name: str, kind: Any, origin: object) -> Any:
    """The value of one JSON text. ``kind`` is a type, or a union of types."""
    kinds = get_args(kind) or (kind,)
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    if isinstance(value, int) and float in kinds and not isinstance(value, bool):
        value = float(value)
    if type(value) not in kinds:
        expected = ' or '.join('null' if one is type(None) else one.__name__ for one in kinds)
        raise InputError(
            f'{origin}: metadata field {name} is {text[:40]!r}, expected {expected}; export the model again'
        )
    return value
