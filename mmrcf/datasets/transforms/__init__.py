from .blur import ClipBlur
from .clip_data_sample import ClipDataSample
from .copy_paste import VideoCopyPaste
from .drift import ClipPhotometricDrift
from .formatting import PackClip
from .frame_sampling import sample_clip
from .geometry import ClipResize, RandomClipCrop, RandomClipFlip, RandomClipResize, RandomClipWindow
from .loading import LoadClipAnnotations, LoadClipFrames
from .motion import ClipMotion
from .object_crops import PackObjectCrops
from .object_motion import ObjectMotion
from .photometric import ClipPhotometricDistortion
from .sound_augmentation import ClipSoundAugmentation
from .sound_transforms import LoadClipSound, RandomSoundDrop, SoundPatches

__all__ = [
    'ClipBlur',
    'ClipDataSample',
    'ClipMotion',
    'ClipPhotometricDistortion',
    'ClipPhotometricDrift',
    'ClipResize',
    'ClipSoundAugmentation',
    'LoadClipAnnotations',
    'LoadClipFrames',
    'LoadClipSound',
    'ObjectMotion',
    'PackClip',
    'PackObjectCrops',
    'RandomClipCrop',
    'RandomClipFlip',
    'RandomClipResize',
    'RandomClipWindow',
    'RandomSoundDrop',
    'SoundPatches',
    'VideoCopyPaste',
    'sample_clip',
]
