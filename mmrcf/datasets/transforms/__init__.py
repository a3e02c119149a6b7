from .clip_data_sample import ClipDataSample
from .formatting import PackClip
from .frame_sampling import sample_clip
from .geometry import ClipResize, RandomClipCrop, RandomClipFlip, RandomClipResize
from .loading import LoadClipAnnotations, LoadClipFrames
from .motion import ClipMotion
from .object_crops import PackObjectCrops
from .photometric import ClipPhotometricDistortion

__all__ = [
    'ClipDataSample',
    'ClipMotion',
    'ClipPhotometricDistortion',
    'ClipResize',
    'LoadClipAnnotations',
    'LoadClipFrames',
    'PackClip',
    'PackObjectCrops',
    'RandomClipCrop',
    'RandomClipFlip',
    'RandomClipResize',
    'sample_clip',
]
