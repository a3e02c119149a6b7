"""Memory in the log of a run without a GPU, where MMEngine shows none."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcf.registry import HOOKS
from mmrcf.utils import peak_mib


@HOOKS.register_module()
class MemoryHook(Hook):
    """Logs the largest resident memory of the process so far, in MiB, as ``memory_mib``."""

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs=None) -> None:
        """Hand the figure to the log."""
        if not torch.cuda.is_available():
            runner.message_hub.update_scalar('train/memory_mib', peak_mib())
