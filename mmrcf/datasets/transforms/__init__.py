from ..clips import sample_clip
from .audio import AudioPatches, ClipAudioAugmentation, LoadClipAudio, RandomAudioDrop
from .blur import ClipBlur
from .copy_paste.copy_paste import VideoCopyPaste
from .formatting import ClipDataSample, PackClip
from .geometry import ClipResize, RandomClipFlip, RandomClipResize, RandomClipWindow
from .loading import LoadClipAnnotations, LoadClipFrames
from .motion import ClipMotion
from .object_crops import PackObjectCrops
from .object_motion import ObjectMotion
from .photometric import ClipPhotometricDistortion, ClipPhotometricDrift

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
    'sample_clip',
]
