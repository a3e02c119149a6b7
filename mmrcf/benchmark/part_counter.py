"""Floating-point operations of the parts of a model."""

import warnings

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mmrcf.models.audio_encoders import BaseAudioEncoder


class PartCounter:
    """Attributes operations to the direct children of a model.

    Args:
        model: The model; what happens outside its children's ``forward`` counts as ``'other'``.
    """

    def __init__(self, model: nn.Module) -> None:
        self._counter = FlopCounterMode(display=False)
        self._parts = {name: 0 for name, child in model.named_children() if any(True for _ in child.parameters())}
        self._start = 0
        for name in self._parts:
            child = getattr(model, name)
            child.register_forward_pre_hook(self._begin)
            child.register_forward_hook(lambda *_, name=name: self._end(name))
        if isinstance(getattr(model, 'audio_encoder', None), BaseAudioEncoder):
            self._count_encode(model.audio_encoder)

    def _count_encode(self, encoder: BaseAudioEncoder) -> None:
        """An audio encoder's other half, which is no ``forward`` of its own."""
        encode = encoder.encode

        def counted(log_mel: Tensor) -> Tensor:
            self._begin()
            features = encode(log_mel)
            self._end('audio_encoder')
            return features

        encoder.encode = counted

    def _begin(self, *_) -> None:
        self._start = self._counter.get_total_flops()

    def _end(self, name: str) -> None:
        self._parts[name] += self._counter.get_total_flops() - self._start

    def count(self, function, *args, **kwargs) -> dict[str, int]:
        """Call ``function`` and return its operations by part."""
        # The counter knows the products inside attention and LSTM, not the fused kernels that the CPU has for them.
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of PyTorch, about how its own switch for the kernels is made
            with self._counter, sdpa_kernel(SDPBackend.MATH), torch.backends.mkldnn.flags(enabled=False):
                function(*args, **kwargs)
        return {**self._parts, 'other': self._counter.get_total_flops() - sum(self._parts.values())}
