from .audio import AudioPatches, ClipAudioAugmentation, LoadClipAudio, RandomAudioDrop
from .blur import ClipBlur
from .formatting import ClipDataSample
from .copy_paste import VideoCopyPaste
from .photometric import ClipPhotometricDrift
from .formatting import PackClip
from ..clips import sample_clip
from .geometry import ClipResize, RandomClipCrop, RandomClipFlip, RandomClipResize, RandomClipWindow
from .loading import LoadClipAnnotations, LoadClipFrames
from .motion import ClipMotion
from .object_crops import PackObjectCrops
from .object_motion import ObjectMotion
from .photometric import ClipPhotometricDistortion

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
    'RandomClipCrop',
    'RandomClipFlip',
    'RandomClipResize',
    'RandomClipWindow',
    'RandomAudioDrop',
    'AudioPatches',
    'VideoCopyPaste',
    'sample_clip',
]
