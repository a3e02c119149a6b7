from .complete_checkpoint_hook import CompleteCheckpointHook
from .dataset_check_hook import DatasetCheckHook
from .divergence_hook import DivergenceHook
from .memory_hook import MemoryHook
from .resumed_schedule_hook import ResumedScheduleHook

__all__ = ['CompleteCheckpointHook', 'DatasetCheckHook', 'DivergenceHook', 'MemoryHook', 'ResumedScheduleHook']
