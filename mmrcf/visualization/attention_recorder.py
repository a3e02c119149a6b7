"""Records the attention of a running model. The results of the model do not change, not even by one bit."""

import inspect
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from mmrcf.errors import InputError
from mmrcf.models import RCF
from mmrcf.models.layers import FusedTokens, MultiheadAttention, TokenGroup
from mmrcf.models.necks import BaseContextNeck, RobustContextFusion

TOKEN_KINDS = ('target', 'references', 'audio')


class AttentionRecorder:
    """Keeps the attention weights of the last call of some modules, inside its ``with`` block.

    PyTorch's fused kernel does not return weights. A hook before each module computes softmax(Q K^T / sqrt(d)) from the
    same inputs; the module itself runs unchanged, and the hooks are removed when the block ends.

    Args:
        modules: The attention modules by name; weights are stored under these names.
        queries: The queries to keep; few of them cost little time and memory.

    Attributes:
        weights: For each module that was called (B, heads, Q, L) float32; rows add up to 1.

    Example:
        >>> layers = model.head.decoder.layers
        >>> with AttentionRecorder({'last': layers[-1].cross_attention}) as recorder:
        ...     result, state = model.step(frame, state, img_shape=shape, ori_shape=shape)
        >>> recorder.weights['last'].shape  # (1, heads, slots, tokens)
    """

    def __init__(self, modules: Mapping[str, MultiheadAttention], queries: slice = slice(None)) -> None:
        self.modules = dict(modules)
        self.queries = queries
        self.weights: dict[str, Tensor] = {}
        self._hooks = ExitStack()

    def __enter__(self) -> 'AttentionRecorder':
        for name, module in self.modules.items():
            hook = module.register_forward_pre_hook(
                lambda module, args, kwargs, name=name: self._record(name, module, args, kwargs), with_kwargs=True
            )
            self._hooks.callback(hook.remove)
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._hooks.close()

    def _record(self, name: str, module: MultiheadAttention, args: tuple, kwargs: dict) -> None:
        given = inspect.signature(module.forward).bind(*args, **kwargs).arguments
        self.weights[name] = attention_weights(
            module, given['query'][:, self.queries], given['key'], given.get('padding')
        )


@torch.no_grad()
def attention_weights(module: MultiheadAttention, query: Tensor, key: Tensor, padding: Tensor | None) -> Tensor:
    """The weights (B, heads, Q, L) float32 that ``module`` gives its values; arguments as its ``forward``."""
    query, key = (
        projected.unflatten(-1, (module.num_heads, -1)).transpose(1, 2)
        for projected in (module.query(query), module.key(key))
    )
    with torch.autocast(query.device.type, enabled=False):
        scores = query.float() @ key.float().transpose(-1, -2) / math.sqrt(query.shape[-1])
    if padding is not None:
        scores = scores.masked_fill(padding[:, None, None, :], -math.inf)
    return scores.softmax(-1)


@dataclass(frozen=True, eq=False)
class TokenLayout:
    """Origin of the L fused tokens: the target's come first, the audio's are ``audio``, the others the references'.

    Attributes:
        target_shape: H and W of the target's tokens.
        audio: Place of the 1 + delta audio tokens, newest last; empty for a visual-only model.
        padding: (B, L) bool, True for tokens that are not attended to.
    """

    target_shape: tuple[int, int]
    audio: slice
    padding: Tensor

    @property
    def num_audio(self) -> int:
        """Number of audio tokens."""
        return self.audio.stop - self.audio.start

    @property
    def has_audio(self) -> bool:
        """Whether the newest patch of the first sample of the batch holds any audio."""
        return self.num_audio > 0 and not bool(self.padding[0, self.audio.stop - 1])

    def encoder_queries(self, origin: str, length: int) -> Tensor:
        """The tokens of one origin in the sequence of the fusing encoder, without padding.

        Its sequence is the target's tokens, the references' if they pass it, and the audio's.

        Args:
            origin: ``'target'`` or ``'references'``.
            length: Number of tokens of the sequence.

        Returns:
            Their indices, int64.
        """
        cells = self.target_shape[0] * self.target_shape[1]
        span = slice(0, cells) if origin == 'target' else slice(cells, length - self.num_audio)
        return (~self.padding[0, span]).nonzero().flatten() + span.start

    def encoder_attended(self, length: int) -> Tensor:
        """(length,) bool: the tokens of that sequence that are attended to."""
        context = self.padding[0, : length - self.num_audio]
        return ~torch.cat((context, self.padding[0, self.audio]))

    def encoder_shares(self, weights: Tensor) -> Tensor:
        """As :meth:`shares`, for weights over the sequence of the fusing encoder."""
        cells, audio = self.target_shape[0] * self.target_shape[1], weights.shape[-1] - self.num_audio
        parts = (weights[..., :cells], weights[..., cells:audio], weights[..., audio:])
        return torch.stack([part.sum(-1) for part in parts], dim=-1)

    def shares(self, weights: Tensor) -> Tensor:
        """How weights (..., L) are spread over target, reference and audio tokens: (..., 3)."""
        height, width = self.target_shape
        target = weights[..., : height * width].sum(-1)
        audio = weights[..., self.audio].sum(-1)
        return torch.stack((target, weights.sum(-1) - target - audio, audio), dim=-1)


class LayoutRecorder:
    """Keeps the :class:`TokenLayout` of the last call of a neck, inside its ``with`` block.

    Args:
        neck: The neck.

    Attributes:
        layout: None before the first call.

    Raises:
        InputError: In a call: the neck changes the positions of the audio tokens.
    """

    def __init__(self, neck: BaseContextNeck) -> None:
        self.neck = neck
        self.layout: TokenLayout | None = None
        self._hook: RemovableHandle | None = None

    def __enter__(self) -> 'LayoutRecorder':
        self._hook = self.neck.register_forward_hook(self._record, with_kwargs=True)
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._hook.remove()

    def _record(self, neck: BaseContextNeck, args: tuple, kwargs: dict, fused: FusedTokens) -> None:
        extra = inspect.signature(neck.forward).bind(*args, **kwargs).arguments.get('extra')
        height, width = fused.target_map.shape[-2:]
        padding = fused.padding
        if padding is None:
            padding = torch.zeros(fused.tokens.shape[:2], dtype=torch.bool, device=fused.tokens.device)
        self.layout = TokenLayout((height, width), self._extra_slice(extra, fused, height * width), padding)

    def _extra_slice(self, extra: TokenGroup | None, fused: FusedTokens, first: int) -> slice:
        """Location of the extra tokens in the fused sequence, by their positions: necks differ in the order."""
        if extra is None:
            return slice(0, 0)
        count = extra.positions.shape[1]
        for start in range(fused.positions.shape[1] - count, first - 1, -1):
            if torch.equal(fused.positions[:, start : start + count], extra.positions):
                return slice(start, start + count)
        raise InputError(
            f'neck {type(self.neck).__name__}: the positions of the audio tokens are not among those of its fused '
            'tokens; pass them on unchanged (see BaseContextNeck)'
        )


class WeightRecorder:
    """Keeps the weight map W of the last call of a neck (Section III-B-1), inside its ``with`` block.

    Args:
        neck: The neck.

    Attributes:
        weight: (H, W) float32, the weight of each cell of the references; None before the first call.

    Raises:
        InputError: The neck has no weight map.
    """

    def __init__(self, neck: BaseContextNeck) -> None:
        if not isinstance(neck, RobustContextFusion) or neck.weight is None:
            raise InputError(
                f'weight map: the neck, a {type(neck).__name__}, has none; give the config of a RobustContextFusion '
                'with use_weight=True'
            )
        self.neck = neck
        self.weight: Tensor | None = None

    def __enter__(self) -> 'WeightRecorder':
        self._weigh = self.neck.reference_weight
        self.neck.reference_weight = self._record
        return self

    def __exit__(self, *_exc_info: object) -> None:
        del self.neck.reference_weight

    def _record(self, references: Tensor) -> Tensor:
        weight = self._weigh(references)
        self.weight = weight[0, 0].detach().float().cpu()
        return weight


@dataclass(frozen=True)
class AttentionSummary:
    """Shares of the decoder's cross-attention, in the order of :data:`TOKEN_KINDS`; those of a layer add up to 1.

    Attributes:
        frames: Number of frames.
        frames_with_audio: Frames whose newest patch of audio is valid. In the others no query attends to it.
        objects: Number of objects above the score threshold in these frames.
        even: Shares under equal attention to every token.
        queries: For each layer the mean over all frames, queries and heads.
        active: For each layer the mean over the queries of these objects; None without any.
    """

    frames: int
    frames_with_audio: int
    objects: int
    even: tuple[float, ...]
    queries: tuple[tuple[float, ...], ...]
    active: tuple[tuple[float, ...], ...] | None


class AttentionShares:
    """Mean attention of the instance queries of a model on frame, reference and audio tokens, in constant memory.

    Args:
        model: The model. It runs inside the ``with`` block, one stream and frame at a time.

    Example:
        >>> with AttentionShares(model) as shares:
        ...     for frame in frames:
        ...         result = segmenter.step(frame)
        ...         shares.add(result.queries)
        >>> shares.summary().queries[-1]  # the last layer
    """

    def __init__(self, model: RCF) -> None:
        layers = model.head.decoder.layers
        self._layers = AttentionRecorder({str(index): layer.cross_attention for index, layer in enumerate(layers)})
        self._tokens = LayoutRecorder(model.neck)
        self._blocks = ExitStack()
        self._frames = self._with_audio = self._objects = 0
        self._even = torch.zeros(len(TOKEN_KINDS), dtype=torch.float64)
        self._queries = torch.zeros(len(layers), len(TOKEN_KINDS), dtype=torch.float64)
        self._active = torch.zeros_like(self._queries)

    def __enter__(self) -> 'AttentionShares':
        for recorder in (self._layers, self._tokens):
            self._blocks.enter_context(recorder)
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._blocks.close()

    def add(self, queries: Sequence[int]) -> None:
        """Count the frame that the model has just processed.

        Args:
            queries: Queries of the objects of the frame, ``FrameResult.queries``.
        """
        layout = self._tokens.layout
        # (layers, N, 3), the mean over the heads.
        weights = (self._layers.weights[name][0] for name in self._layers.modules)
        shares = torch.stack([layout.shares(layer).mean(0) for layer in weights]).double().cpu()
        attended = (~layout.padding[0]).double()
        self._frames += 1
        self._with_audio += layout.has_audio
        self._objects += len(queries)
        self._even += layout.shares(attended / attended.sum()).cpu()
        self._queries += shares.mean(1)
        self._active += shares[:, torch.as_tensor(queries, dtype=torch.long)].sum(1)

    def summary(self) -> AttentionSummary:
        """The shares so far. Raises :class:`ValueError` before the first frame."""
        if self._frames == 0:
            raise ValueError('no frame was added')
        return AttentionSummary(
            frames=self._frames,
            frames_with_audio=self._with_audio,
            objects=self._objects,
            even=tuple((self._even / self._frames).tolist()),
            queries=_rows(self._queries / self._frames),
            active=_rows(self._active / self._objects) if self._objects else None,
        )


@dataclass(frozen=True)
class EncoderSummary:
    """Shares of the fusing encoder's self-attention, in the order of :data:`TOKEN_KINDS`; those of a row add up to 1.

    Attributes:
        frames: Number of frames.
        tokens: Mean number of tokens of each kind that are attended to.
        even: Shares under equal attention to every token.
        target: For each layer the attention of the target tokens, the mean over all frames, tokens and heads.
    """

    frames: int
    tokens: tuple[float, ...]
    even: tuple[float, ...]
    target: tuple[tuple[float, ...], ...]


class EncoderShares:
    """Mean attention of the target tokens in the fusing encoder on target, reference and audio tokens.

    The paper says that compressed references let the target's tokens dominate (Section III-B-1); compare the shares
    with those of a neck that keeps all reference tokens, and with equal attention.

    Args:
        model: The model. It runs inside the ``with`` block, one stream and frame at a time.
    """

    def __init__(self, model: RCF) -> None:
        if not isinstance(model, RCF):
            raise InputError('encoder shares: not available for exported models; give config and checkpoint')
        layers = model.neck.encoder.layers
        self._layers = AttentionRecorder({str(index): layer.attention for index, layer in enumerate(layers)})
        self._tokens = LayoutRecorder(model.neck)
        self._blocks = ExitStack()
        self._frames = 0
        self._counts = torch.zeros(len(TOKEN_KINDS), dtype=torch.float64)
        self._even = torch.zeros(len(TOKEN_KINDS), dtype=torch.float64)
        self._target = torch.zeros(len(layers), len(TOKEN_KINDS), dtype=torch.float64)

    def __enter__(self) -> 'EncoderShares':
        for recorder in (self._layers, self._tokens):
            self._blocks.enter_context(recorder)
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._blocks.close()

    def add(self) -> None:
        """Count the frame that the model has just processed."""
        layout = self._tokens.layout
        length = next(iter(self._layers.weights.values())).shape[-1]
        counts = layout.encoder_shares(layout.encoder_attended(length).double()).cpu()
        self._frames += 1
        self._counts += counts
        self._even += counts / counts.sum()
        for index, name in enumerate(self._layers.modules):
            weights = self._layers.weights[name][0]
            weights = weights[:, layout.encoder_queries('target', weights.shape[-1])]
            self._target[index] += layout.encoder_shares(weights).mean((0, 1)).double().cpu()

    def summary(self) -> EncoderSummary:
        """The shares so far. Raises :class:`ValueError` before the first frame."""
        if self._frames == 0:
            raise ValueError('no frame was added')
        return EncoderSummary(
            frames=self._frames,
            tokens=tuple((self._counts / self._frames).tolist()),
            even=tuple((self._even / self._frames).tolist()),
            target=_rows(self._target / self._frames),
        )


def _rows(table: torch.Tensor) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in table.tolist())
