from .dataset_check_hook import DatasetCheckHook
from .memory_hook import MemoryHook

__all__ = ['DatasetCheckHook', 'MemoryHook']
