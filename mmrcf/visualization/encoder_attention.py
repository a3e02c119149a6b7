"""Attention of the fusing encoder on the target's tokens, drawn over a frame with the heads as colours (Fig. 8, 10)."""

import math
from contextlib import ExitStack

import cv2
import numpy as np
from torch import nn

from mmrcf.errors import InputError
from mmrcf.models import RCF
from mmrcf.utils import counted

from .attention_recorder import AttentionRecorder, LayoutRecorder

OPACITY = 0.8
ORIGINS = {'audio': 'the newest audio token', 'target': 'the target tokens', 'references': 'the reference tokens'}
"""Tokens whose attention can be drawn."""
_CHANNELS = 3
_NO_RANGE = 1e-9


class ValidPart:
    """Keeps, inside its ``with`` block, how much of the network's input is frame and not padding.

    Args:
        model: It runs inside the block, one stream and frame at a time.

    Attributes:
        inside: Fractions of H and W that are not padding, at most 1.
    """

    def __init__(self, model: RCF) -> None:
        self._preprocessor = model.data_preprocessor
        self._blocks = ExitStack()
        self.inside = (1.0, 1.0)

    def __enter__(self) -> 'ValidPart':
        self._blocks.callback(self._preprocessor.register_forward_hook(self._measure).remove)
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._blocks.close()

    def _measure(self, _module: nn.Module, _args: tuple, batch: dict) -> None:
        padded = batch['inputs']['img'].shape[-2:]
        shape = batch['data_samples'][0].video_data_samples[-1].metainfo['img_shape'][:2]
        self.inside = (shape[0] / padded[0], shape[1] / padded[1])


class EncoderAttention:
    """Records, inside its ``with`` block, how tokens of one origin attend to the pixels of each frame.

    The colours of a stream are steady: the principal components are those of all frames so far. Nothing else is kept.
    The results of the model do not change, not even by one bit.

    Args:
        model: It runs inside the block, one stream and frame at a time.
        origin: ``'target'``, ``'references'``: the mean over all tokens that are not padding; ``'audio'``: the newest
            token.
        layer: Layer of the neck's encoder; the last one by default, as in the paper.

    Attributes:
        maps: (heads, H, W) float32. The attention of the last frame on the tokens of the target, padding included; None
            before the first frame and where there is no audio.
        inside: Fractions of H and W that are not padding, at most 1.

    Raises:
        InputError: The model has no such tokens, or no such layer.
    """

    def __init__(self, model: RCF, origin: str, layer: int = -1) -> None:
        if origin not in ORIGINS:
            raise ValueError(f'origin={origin!r}: expected one of {", ".join(ORIGINS)}')
        what = f'{origin} attention'
        if not isinstance(model, RCF):
            raise InputError(f'{what}: not available for exported models; give config and checkpoint')
        if origin == 'audio' and not model.uses_audio:
            raise InputError(f'{what}: this model is visual-only; give a config with an audio_encoder')
        if origin == 'references' and model.neck.num_references == 0:
            raise InputError(f'{what}: this model has no reference frames; give a config with num_references')
        layers = model.neck.encoder.layers
        if not -len(layers) <= layer < len(layers):
            raise InputError(f'{what}: layer {layer}, but the encoder of the neck has {counted(len(layers), "layer")}')
        # The audio tokens close the encoder's sequence, the newest is the last of them.
        queries = slice(-1, None) if origin == 'audio' else slice(None)
        self._origin = origin
        self._recorder = AttentionRecorder({'encoder': layers[layer].attention}, queries)
        self._tokens = LayoutRecorder(model.neck)
        self._valid = ValidPart(model)
        self._blocks = ExitStack()
        self._covariance = np.zeros(())

    def __enter__(self) -> 'EncoderAttention':
        for recorder in (self._recorder, self._tokens, self._valid):
            self._blocks.enter_context(recorder)
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._blocks.close()

    @property
    def inside(self) -> tuple[float, float]:
        """See the class."""
        return self._valid.inside

    @property
    def maps(self) -> np.ndarray | None:
        """See the class."""
        layout = self._tokens.layout
        if layout is None or (self._origin == 'audio' and not layout.has_audio):
            return None
        height, width = layout.target_shape
        weights = self._recorder.weights['encoder'][0]
        if self._origin != 'audio':
            weights = weights[:, layout.encoder_queries(self._origin, weights.shape[-1])]
            if weights.shape[1] == 0:
                raise InputError('references attention: the references of this neck do not pass its fusing encoder')
        return weights[..., : height * width].mean(1).unflatten(-1, (height, width)).cpu().numpy()

    def picture(self, frame: np.ndarray, *, opacity: float = OPACITY) -> np.ndarray:
        """The frame that the model has just processed, with the attention over it; call it once for each frame.

        Args:
            frame: (H, W, 3) uint8 RGB or (H, W) uint8 grey; not changed.
            opacity: As of :func:`attention_picture`.

        Returns:
            (H, W, 3) uint8 RGB; the frame as it is where there is no audio.
        """
        maps = self.maps
        if maps is None:
            return cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB) if frame.ndim == 2 else frame.copy()
        self._covariance = self._covariance + head_covariance(maps, self.inside)
        return attention_picture(
            frame, maps, inside=self.inside, components=principal_heads(self._covariance), opacity=opacity
        )


class AudioAttention(EncoderAttention):
    """:class:`EncoderAttention` of the newest audio token.

    Example:
        >>> with AudioAttention(segmenter.model) as attention:
        ...     result = segmenter.step(frame, audio)
        ...     picture = attention.picture(frame)
    """

    def __init__(self, model: RCF, layer: int = -1) -> None:
        super().__init__(model, 'audio', layer)


def attention_picture(
    frame: np.ndarray,
    weights: np.ndarray,
    *,
    inside: tuple[float, float] = (1.0, 1.0),
    components: np.ndarray | None = None,
    opacity: float = OPACITY,
) -> np.ndarray:
    """Blend attention over a frame: its heads give the colour, by PCA; its strength gives the opacity.

    The opacity of a pixel grows with its attention over its even share (1 / number of tokens of the frame): zero up to
    that share, half of ``opacity`` at twice the share.

    Args:
        frame: (H, W, 3) uint8 RGB or (H, W) uint8 grey; not changed.
        weights: (heads, h, w), not negative: attention on the tokens of the frame.
        inside: Fractions of h and w that the frame takes; the rest is padding at the bottom and right.
        components: (3, heads), from :func:`principal_heads`; None for those of this frame alone.
        opacity: From 0 to 1.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    picture = cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB) if frame.ndim == 2 else frame
    valid = valid_cells_of(weights, inside)
    if components is None:
        components = principal_heads(head_covariance(weights, inside))
    mean = valid.mean(0)
    even = max(float(mean.mean()), np.finfo(np.float32).tiny)
    strength = 1 - 1 / np.maximum(mean / even, 1)
    overlay = np.dstack((head_colors(valid, components), strength)).astype(np.float32)
    # The grid covers the padding too: repeat its last cells, so that nothing fades out along the edge.
    missing = [(0, cells - there) for cells, there in zip(weights.shape[1:], valid.shape[1:], strict=True)]
    overlay = np.pad(overlay, (*missing, (0, 0)), mode='edge')
    height, width = picture.shape[:2]
    full = (max(width, round(width / inside[1])), max(height, round(height / inside[0])))
    overlay = cv2.resize(overlay, full, interpolation=cv2.INTER_LINEAR)[:height, :width]
    tint, share = overlay[..., :_CHANNELS], opacity * overlay[..., _CHANNELS:]
    return np.rint(picture * (1 - share) + 255 * tint * share).astype(np.uint8)


def head_covariance(weights: np.ndarray, inside: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """(heads, heads) float64: how the maps (heads, h, w) of the heads vary together over the pixels of the frame."""
    pixels = valid_cells_of(weights, inside).reshape(len(weights), -1).astype(np.float64)
    centred = pixels - pixels.mean(1, keepdims=True)
    return centred @ centred.T


def principal_heads(covariance: np.ndarray) -> np.ndarray:
    """The first three principal components (3, heads) of a covariance (heads, heads); zeros for missing ones.

    The entry of largest magnitude is positive in each, so that equal attention has equal colours and a colour is bright
    where the head with that entry attends.
    """
    _, _, vectors = np.linalg.svd(covariance)
    components = np.zeros((_CHANNELS, len(covariance)))
    components[: len(vectors)] = vectors[:_CHANNELS]
    largest = np.take_along_axis(components, np.abs(components).argmax(1)[:, None], axis=1)
    return components * np.where(largest < 0, -1.0, 1.0)


def head_colors(weights: np.ndarray, components: np.ndarray) -> np.ndarray:
    """Maps (heads, h, w) as colours (h, w, 3) float32 in [0, 1]: one component a channel, each over its own range."""
    scores = np.tensordot(components, weights.astype(np.float64), axes=1)
    low, high = scores.min((1, 2), keepdims=True), scores.max((1, 2), keepdims=True)
    scaled = np.where(high - low > _NO_RANGE, (scores - low) / np.maximum(high - low, _NO_RANGE), 0.0)
    return np.moveaxis(scaled, 0, -1).astype(np.float32)


def valid_cells_of(weights: np.ndarray, inside: tuple[float, float]) -> np.ndarray:
    """The cells of maps (heads, h, w) that the frame touches."""
    # A little less than the exact product, which may be above a whole number by rounding alone.
    rows, columns = (
        max(1, math.ceil(cells * part - 1e-6)) for cells, part in zip(weights.shape[1:], inside, strict=True)
    )
    return weights[:, :rows, :columns]
