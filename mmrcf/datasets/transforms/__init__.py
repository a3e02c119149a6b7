from .audio import AudioPatches, ClipAudioAugmentation, LoadClipAudio, RandomAudioDrop
from .copy_paste import VideoCopyPaste
from .formatting import ClipDataSample, PackClip, PackObjectCrops
from .geometry import ClipResize, RandomClipFlip, RandomClipResize, RandomClipWindow
from .loading import LoadClipAnnotations, LoadClipFrames
from .motion import ClipMotion
from .object_motion import ObjectMotion
from .photometric import ClipBlur, ClipPhotometricDistortion, ClipPhotometricDrift

__all__ = [
    'ClipBlur',
    'ClipDataSample',
    'ClipMotion',
    'ClipPhotometricDistortion',
    'ClipPhotometricDrift',
    'ClipResize',
    'ClipAudioAugmentation',
    'LoadClipAnnotations',
    'LoadClipFrames',
    'LoadClipAudio',
    'ObjectMotion',
    'PackClip',
    'PackObjectCrops',
    'RandomClipFlip',
    'RandomClipResize',
    'RandomClipWindow',
    'RandomAudioDrop',
    'AudioPatches',
    'VideoCopyPaste',
]
