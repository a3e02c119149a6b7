from .complete_checkpoint_hook import CompleteCheckpointHook
from .dataset_check_hook import DatasetCheckHook
from .memory_hook import MemoryHook

__all__ = ['CompleteCheckpointHook', 'DatasetCheckHook', 'MemoryHook']
