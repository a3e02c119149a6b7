"""Times of the parts of a model inside its step."""

from time import perf_counter

import torch
from torch import nn


class PartTimer:
    """Times the direct children of a model while it runs, in a ``with`` block.

    On a GPU every part waits for the device, so the sum is more than a step without the timer takes.

    Args:
        model: Its children must be called as modules; those inside a compiled graph are not seen.

    Attributes:
        milliseconds: By name, since the last :meth:`reset`.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        self._started = 0.0
        self.milliseconds: dict[str, float] = {}

    def __enter__(self) -> 'PartTimer':
        for name, child in self._model.named_children():
            self._handles.append(child.register_forward_pre_hook(self._begin))
            self._handles.append(child.register_forward_hook(lambda *_, name=name: self._end(name)))
        return self

    def __exit__(self, *_exc_info: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def reset(self) -> None:
        """Forget what was measured."""
        self.milliseconds = {}

    def _begin(self, *_: object) -> None:
        self._synchronize()
        self._started = perf_counter()

    def _end(self, name: str) -> None:
        self._synchronize()
        spent = 1e3 * (perf_counter() - self._started)
        self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent

    def _synchronize(self) -> None:
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            torch.cuda.synchronize()
