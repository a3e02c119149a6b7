"""Which tokens the instance queries attend to: the frame itself, the frames before, or the audio."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch

from mmrcf.models import RCF

from .attention_recorder import AttentionRecorder, LayoutRecorder

TOKEN_KINDS = ('target', 'references', 'audio')


@dataclass(frozen=True)
class MassSummary:
    """Shares of the decoder's cross-attention, in the order of :data:`TOKEN_KINDS`; those of a layer add up to 1.

    Attributes:
        frames: Number of frames.
        frames_with_audio: Frames whose newest patch of audio is valid. In the others nothing attends to it.
        objects: Number of objects shown in these frames.
        even: Shares if every token got the same.
        queries: For each layer the mean over all frames, queries and heads.
        shown: For each layer the mean over the queries of the shown objects; None without any.
    """

    frames: int
    frames_with_audio: int
    objects: int
    even: tuple[float, ...]
    queries: tuple[tuple[float, ...], ...]
    shown: tuple[tuple[float, ...], ...] | None


class AttentionMass:
    """Sums up, frame by frame, where the instance queries of a model look. Memory does not grow with the frames.

    Args:
        model: The model. It runs inside the ``with`` block, one stream and frame at a time.

    Example:
        >>> with AttentionMass(model) as mass:
        ...     for frame in frames:
        ...         result = segmenter.step(frame)
        ...         mass.add(result.slots)
        >>> mass.summary().queries[-1]  # the last layer
    """

    def __init__(self, model: RCF) -> None:
        layers = model.head.decoder.layers
        self._layers = AttentionRecorder({str(index): layer.cross_attention for index, layer in enumerate(layers)})
        self._tokens = LayoutRecorder(model.neck)
        self._blocks = ExitStack()
        self._frames = self._with_audio = self._objects = 0
        self._even = torch.zeros(len(TOKEN_KINDS), dtype=torch.float64)
        self._queries = torch.zeros(len(layers), len(TOKEN_KINDS), dtype=torch.float64)
        self._shown = torch.zeros_like(self._queries)

    def __enter__(self) -> 'AttentionMass':
        for recorder in (self._layers, self._tokens):
            self._blocks.enter_context(recorder)
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._blocks.close()

    def add(self, slots: Sequence[int]) -> None:
        """Count the frame that the model has just processed.

        Args:
            slots: The queries of the objects that it shows, as ``FrameResult.slots``.
        """
        layout = self._tokens.layout
        # (layers, N, 3), the mean over the heads.
        weights = (self._layers.weights[name][0] for name in self._layers.modules)
        shares = torch.stack([layout.shares(layer).mean(0) for layer in weights]).double().cpu()
        attended = (~layout.padding[0]).double()
        self._frames += 1
        self._with_audio += layout.has_audio
        self._objects += len(slots)
        self._even += layout.shares(attended / attended.sum()).cpu()
        self._queries += shares.mean(1)
        self._shown += shares[:, torch.as_tensor(slots, dtype=torch.long)].sum(1)

    def summary(self) -> MassSummary:
        """The shares so far. Raises :class:`ValueError` before the first frame."""
        if self._frames == 0:
            raise ValueError('no frame was added')
        return MassSummary(
            frames=self._frames,
            frames_with_audio=self._with_audio,
            objects=self._objects,
            even=tuple((self._even / self._frames).tolist()),
            queries=_rows(self._queries / self._frames),
            shown=_rows(self._shown / self._objects) if self._objects else None,
        )


def _rows(table: torch.Tensor) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in table.tolist())
