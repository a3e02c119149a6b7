"""The figures of attention.py that are drawn frame by frame. Each runs its models and keeps their state."""

import argparse
from collections.abc import Sequence

import cv2
import numpy as np
from frame_figures import Figure, step

from mmrcf.apis import OnlineSegmenter
from mmrcf.media.frame_source import Frame
from mmrcf.models import RCF
from mmrcf.models.necks import FullFeatureFusion, RobustContextFusion
from mmrcf.utils import counted
from mmrcf.visualization import (
    AudioAttention,
    EncoderAttention,
    TrackStyle,
    ValidPart,
    WeightRecorder,
    draw_tracks,
    fit,
    heat_map,
    panel,
    side_by_side,
    stacked,
)
from mmrcf.visualization.encoder_attention import valid_cells_of

COLUMNS_BELOW, COLUMNS_BESIDE = 4, 3
"""Heads in a row, below a picture of the frame and beside one."""
LINE = 2
"""Pixels between heads."""
LEAST_WEIGHT_SPAN = 0.1
"""Of W, from dark to bright: a map that training has left flat shall look flat."""


class AudioFigure(Figure):
    """The frame with the attention of the newest audio token over it (Fig. 10)."""

    def __init__(self, model: RCF, layer: int, tracks: bool = False) -> None:
        super().__init__()
        self.attention = self.blocks.enter_context(AudioAttention(model, layer))
        self._segmenter = OnlineSegmenter(model)
        self._tracks = tracks
        self._with_audio = 0

    def draw(self, frame: Frame) -> np.ndarray:
        """See :class:`Figure`."""
        result = step(self._segmenter, frame)
        self._with_audio += self.attention.maps is not None
        picture = self.attention.picture(frame.image)
        return draw_tracks(picture, result, TrackStyle(opacity=0.0)) if self._tracks else picture

    @property
    def note(self) -> str:
        """See :class:`Figure`."""
        return f', {self._with_audio} of them with audio'


class AudioPairFigure(Figure):
    """Objects without audio and with it, and where the audio attends to (Fig. 10).

    Args:
        model: An audio-visual model.
        layer: Of the encoder.
        other: A visual-only model; None: ``model`` without its audio.
    """

    def __init__(self, model: RCF, layer: int, other: RCF | None) -> None:
        super().__init__()
        self._attention = self.blocks.enter_context(AudioAttention(model, layer))
        self._with = OnlineSegmenter(model)
        self._without = OnlineSegmenter(other or model)
        self._title = 'visual-only model' if other else 'without audio'
        self._num_heads = model.neck.encoder.layers[layer].attention.num_heads

    def draw(self, frame: Frame) -> np.ndarray:
        """See :class:`Figure`."""
        # The model with audio comes last: what is recorded is its attention.
        without = step(self._without, frame, audio=False)
        result = step(self._with, frame)
        tracks = [
            panel(fit(draw_tracks(frame.image, each)), title)
            for each, title in ((without, self._title), (result, 'with audio'))
        ]
        maps, overlay = self._attention.maps, fit(self._attention.picture(grey(frame.image)))
        title = 'audio to target: PCA of the heads' if maps is not None else 'no audio here'
        if maps is None:
            maps = np.zeros((self._num_heads, 1, 1))
        heads = heads_panel(maps, self._attention.inside, overlay.shape[:2], COLUMNS_BESIDE)
        return stacked(side_by_side(*tracks), side_by_side(panel(overlay, title), heads))


class TokenFigure(Figure):
    """Attention of target or reference tokens on the target: PCA and all heads of one or two models (Fig. 4c, 8)."""

    def __init__(self, models: list[RCF], origin: str, layer: int) -> None:
        super().__init__()
        self._origin = origin
        self._parts = [
            (name, OnlineSegmenter(model), self.blocks.enter_context(EncoderAttention(model, origin, layer)))
            for name, model in zip(describe(models), models, strict=True)
        ]

    def draw(self, frame: Frame) -> np.ndarray:
        """See :class:`Figure`."""
        columns = []
        for name, segmenter, attention in self._parts:
            step(segmenter, frame)
            overlay = fit(attention.picture(grey(frame.image)))
            heads = heads_panel(attention.maps, attention.inside, overlay.shape[:2], COLUMNS_BELOW)
            columns.append(stacked(panel(overlay, f'{self._origin} to target, {name}: PCA'), heads))
        return side_by_side(*columns)


class WeightFigure(Figure):
    """The newest reference frame and the weight map W of the references (Fig. 4b)."""

    def __init__(self, model: RCF) -> None:
        super().__init__()
        self._weight = self.blocks.enter_context(WeightRecorder(model.neck))
        self._valid = self.blocks.enter_context(ValidPart(model))
        self._segmenter = OnlineSegmenter(model)
        self._reference: np.ndarray | None = None

    def draw(self, frame: Frame) -> np.ndarray:
        """See :class:`Figure`."""
        step(self._segmenter, frame)
        # At the start of a stream the frame stands in for its reference.
        reference = fit(frame.image if self._reference is None else self._reference)
        self._reference = frame.image
        weight = valid_cells_of(self._weight.weight[None].numpy(), self._valid.inside)[0]
        colors = heat_map(weight, reference.shape[:2], LEAST_WEIGHT_SPAN)
        over = np.rint(0.35 * reference + 0.65 * colors).astype(np.uint8)
        title = f'W from {weight.min():.2f} (dark) to {weight.max():.2f} (bright)'
        return side_by_side(panel(reference, 'newest reference'), panel(over, title))


def describe(models: Sequence[RCF]) -> list[str]:
    """How the references of one or two models become tokens, and which model it is where that is the same."""
    names = [_reference_tokens(model) for model in models]
    if len(set(names)) == len(names):
        return names
    return [f'{name}, {place} model' for name, place in zip(names, ('first', 'second'), strict=True)]


def _reference_tokens(model: RCF) -> str:
    if isinstance(model.neck, RobustContextFusion):
        count = model.neck.grid_size**2
        return counted(count, 'reference token')
    return 'full references' if isinstance(model.neck, FullFeatureFusion) else 'no references'


def heads_panel(maps: np.ndarray, inside: tuple[float, float], size: tuple[int, int], columns: int) -> np.ndarray:
    """All heads as heat maps on grey, each with a scale of its own.

    Args:
        maps: (heads, H, W), padding included.
        inside: Fractions of H and W that are not padding.
        size: Height and width of a picture of the frame; the heat maps have its proportions and fill its width.
        columns: Heat maps in a row.
    """
    height, width = (side // columns for side in size)
    rows = -(-len(maps) // columns)
    sheet = np.full((rows * height, size[1], 3), 110, np.uint8)
    for index, values in enumerate(valid_cells_of(maps, inside)):
        top, left = index // columns * height, index % columns * width
        sheet[top : top + height - LINE, left : left + width - LINE] = heat_map(values, (height - LINE, width - LINE))
    return panel(sheet, f'heads 1 to {len(maps)}: lowest dark, highest bright')


def grey(image: np.ndarray) -> np.ndarray:
    """A frame (H, W, 3) without its colours, so that those of the attention are seen: (H, W) uint8."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def make_figure(args: argparse.Namespace, model: RCF, other: RCF | None) -> Figure:
    """The figure that ``--show`` names."""
    if args.show == 'audio':
        return AudioFigure(model, args.layer, args.tracks)
    if args.show == 'audio-pair':
        return AudioPairFigure(model, args.layer, other)
    if args.show == 'weight':
        return WeightFigure(model)
    return TokenFigure([model] if other is None else [model, other], args.show, args.layer)
