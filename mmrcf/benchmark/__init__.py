"""Measuring speed and memory honestly: what the tools in ``tools/benchmarks`` share."""

from .encoded_frames import EncodedFrames, encoded_frames
from .machine import describe_machine, matrix_product_rate
from .paced_source import PacedSource
from .part_counter import PartCounter
from .part_timer import PartTimer
from .statistics import Statistics, paired_ratio, statistics_of
from .subject import Subject

__all__ = [
    'EncodedFrames',
    'PacedSource',
    'PartCounter',
    'PartTimer',
    'Statistics',
    'Subject',
    'describe_machine',
    'encoded_frames',
    'matrix_product_rate',
    'paired_ratio',
    'statistics_of',
]
