"""How audio becomes context tokens: patch by patch in a stream, window by window over training clips."""

import torch
from torch import Tensor

from mmrcf.structures import AudioMemory, AudioPatch

from ..layers import TokenGroup
from .base import PATCH_SHAPE, BaseAudioEncoder


def stream_tokens(
    encoder: BaseAudioEncoder, audio: AudioPatch | None, memory: AudioMemory
) -> tuple[TokenGroup, AudioMemory]:
    """The audio tokens of one frame of a stream. Only the newest patch passes the network: features of others are kept.

    Args:
        encoder: The audio encoder.
        audio: The audio that ends at the frame; None if there is none.
        memory: The memory after the frame before. The oldest patch replaces missing ones, as with the references.

    Returns:
        The tokens (1, 1 + delta, C') and the memory for the next frame.
    """
    if audio is None:
        # Encoded all the same: so features have one type, under autocast too.
        silence = encoder.position.weight.new_zeros(1, *PATCH_SHAPE)
        audio = AudioPatch(silence, torch.zeros(1, dtype=torch.bool, device=silence.device))
    feature, valid = encoder.encode(audio.log_mel), audio.valid
    features, valids = (feature, *memory.features), (valid, *memory.valid)
    delta = encoder.num_references
    missing = 1 + delta - len(features)
    tokens = encoder(
        torch.stack((*features, *features[-1:] * missing)[::-1], dim=1),
        torch.stack((*valids, *valids[-1:] * missing)[::-1], dim=1),
    )
    return tokens, AudioMemory(features[:delta], valids[:delta])


def clip_tokens(encoder: BaseAudioEncoder, inputs: dict) -> TokenGroup:
    """The audio tokens (B * S, 1 + delta, C') of all target frames of clips, ordered clip by clip.

    Args:
        encoder: The audio encoder; each patch passes it once.
        inputs: As in ``RCF.loss``; no audio without ``audio``.
    """
    batch, length = inputs['img'].shape[:2]
    if 'audio' in inputs:
        features = encoder.encode(inputs['audio'].flatten(0, 1)).unflatten(0, (batch, length))
        valid = inputs['audio_valid']
    else:
        # One patch all the same: with every parameter in the graph, ranks with and without audio can train together.
        silence = inputs['img'].new_zeros(1, *PATCH_SHAPE)
        features = encoder.encode(silence)[:, None].expand(batch, length, -1)
        valid = torch.zeros(batch, length, dtype=torch.bool, device=features.device)
    return encoder(_windows(features, 1 + encoder.num_references), _windows(valid, 1 + encoder.num_references))


def _windows(sequence: Tensor, size: int) -> Tensor:
    """The runs of ``size`` entries in (B, T, ...): (B * (T - size + 1), size, ...)."""
    runs = [sequence[:, start : start + size] for start in range(sequence.shape[1] - size + 1)]
    return torch.stack(runs, dim=1).flatten(0, 1)
