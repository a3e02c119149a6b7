"""Audio-to-pixel attention drawn over a frame, the heads as colours (Fig. 10)."""

import math
from contextlib import ExitStack

import cv2
import numpy as np
from torch import nn

from mmrcf.errors import InputError
from mmrcf.models import RCF

from .attention_recorder import AttentionRecorder, LayoutRecorder

OPACITY = 0.8
_CHANNELS = 3
_NO_RANGE = 1e-9


class AudioAttention:
    """Records, inside its ``with`` block, how the newest audio token attends to the pixels of each frame.

    The colours of a stream are steady: the principal components are those of all frames so far. Nothing else is kept.
    The results of the model do not change, not even by one bit.

    Args:
        model: An audio-visual model. It runs inside the block, one stream and frame at a time.
        layer: Layer of the neck's encoder; the last one by default, as in the paper.

    Attributes:
        maps: (heads, H, W) float32. The attention of the last frame on the tokens of the target, padding included; None
            before the first frame and where there is no audio.
        inside: Fractions of H and W that are not padding, at most 1.

    Raises:
        InputError: The model is visual-only, or has no such layer.

    Example:
        >>> with AudioAttention(segmenter.model) as attention:
        ...     result = segmenter.step(frame, audio)
        ...     picture = attention.picture(frame)
    """

    def __init__(self, model: RCF, layer: int = -1) -> None:
        if not isinstance(model, RCF):
            raise InputError('audio attention: not available for exported models; give config and checkpoint')
        if not model.uses_audio:
            raise InputError('audio attention: this model is visual-only; give a config with an audio_encoder')
        layers = model.neck.encoder.layers
        if not -len(layers) <= layer < len(layers):
            raise InputError(f'audio attention: layer {layer}, but the encoder of the neck has {len(layers)} layers')
        # The audio tokens close the encoder's sequence, the newest is the last of them.
        self._recorder = AttentionRecorder({'encoder': layers[layer].attention}, queries=slice(-1, None))
        self._tokens = LayoutRecorder(model.neck)
        self._preprocessor = model.data_preprocessor
        self._blocks = ExitStack()
        self._covariance = np.zeros(())
        self.inside = (1.0, 1.0)

    def __enter__(self) -> 'AudioAttention':
        for recorder in (self._recorder, self._tokens):
            self._blocks.enter_context(recorder)
        self._blocks.callback(self._preprocessor.register_forward_hook(self._measure).remove)
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._blocks.close()

    def _measure(self, _module: nn.Module, _args: tuple, batch: dict) -> None:
        """Set :attr:`inside` from the input of the network."""
        padded = batch['inputs']['img'].shape[-2:]
        shape = batch['data_samples'][0].video_data_samples[-1].metainfo['img_shape'][:2]
        self.inside = (shape[0] / padded[0], shape[1] / padded[1])

    @property
    def maps(self) -> np.ndarray | None:
        """See the class."""
        layout = self._tokens.layout
        if layout is None or not layout.has_audio:
            return None
        height, width = layout.target_shape
        weights = self._recorder.weights['encoder'][0, :, 0, : height * width]
        return weights.unflatten(-1, (height, width)).cpu().numpy()

    def picture(self, frame: np.ndarray, *, opacity: float = OPACITY) -> np.ndarray:
        """The frame that the model has just processed, with the attention over it; call it once for each frame.

        Args:
            frame: (H, W, 3) uint8 RGB or (H, W) uint8 grey; not changed.
            opacity: As of :func:`audio_attention_picture`.

        Returns:
            (H, W, 3) uint8 RGB; the frame as it is where there is no audio.
        """
        maps = self.maps
        if maps is None:
            return cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB) if frame.ndim == 2 else frame.copy()
        self._covariance = self._covariance + head_covariance(maps, self.inside)
        return audio_attention_picture(
            frame, maps, inside=self.inside, components=principal_heads(self._covariance), opacity=opacity
        )


def audio_attention_picture(
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
        weights: (heads, h, w), not negative: how one token attends to the tokens of the frame.
        inside: Fractions of h and w that the frame takes; the rest is padding at the bottom and right.
        components: (3, heads), from :func:`principal_heads`; None for those of this frame alone.
        opacity: From 0 to 1.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    picture = cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB) if frame.ndim == 2 else frame
    valid = _valid_part(weights, inside)
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
    pixels = _valid_part(weights, inside).reshape(len(weights), -1).astype(np.float64)
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


def _valid_part(weights: np.ndarray, inside: tuple[float, float]) -> np.ndarray:
    """The cells of maps (heads, h, w) that the frame touches."""
    # A little less than the exact product, which may be above a whole number by rounding alone.
    rows, columns = (
        max(1, math.ceil(cells * part - 1e-6)) for cells, part in zip(weights.shape[1:], inside, strict=True)
    )
    return weights[:, :rows, :columns]
