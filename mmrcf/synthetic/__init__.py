"""The synthetic benchmark: videos with exact masks and audio, drawn from a seed."""

from mmrcf.synthetic.categories import SHAPES_AV_CLASSES, SHAPES_CLASSES
from mmrcf.synthetic.writer import DEFAULT_SPLITS, FPS, write_shapes, write_split

__all__ = ['DEFAULT_SPLITS', 'FPS', 'SHAPES_AV_CLASSES', 'SHAPES_CLASSES', 'write_shapes', 'write_split']
