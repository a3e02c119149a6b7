"""A loss that is not a number ends the training: every step after it would only spread it."""

import math

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcf.registry import HOOKS


@HOOKS.register_module()
class DivergenceHook(Hook):
    """Checks all losses after each iteration. MMEngine's log has read them from the device by then."""

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs=None) -> None:
        """Compare them.

        Raises:
            FloatingPointError: A loss is nan or infinite; the message names it.
        """
        values = {name: float(torch.as_tensor(value).detach()) for name, value in (outputs or {}).items()}
        wrong = {name: value for name, value in values.items() if not math.isfinite(value)}
        for name in sorted(wrong, key='loss'.__eq__):  # the sum of all comes last: it does not say where
            raise FloatingPointError(f'{name} is {wrong[name]}')
