from .audio import log_mel, patch_at
from .clip_data_sample import ClipDataSample
from .formatting import PackClip
from .frame_sampling import sample_clip
from .geometry import ClipResize, RandomClipCrop, RandomClipFlip, RandomClipResize
from .loading import LoadClipAnnotations, LoadClipFrames
from .motion import ClipMotion
from .object_crops import PackObjectCrops
from .photometric import ClipPhotometricDistortion
from .sound_augmentation import ClipSoundAugmentation
from .sound_transforms import LoadClipSound, RandomSoundDrop, SoundPatches
from .sound_window import SoundWindow

__all__ = [
    'ClipDataSample',
    'ClipMotion',
    'ClipPhotometricDistortion',
    'ClipResize',
    'ClipSoundAugmentation',
    'LoadClipAnnotations',
    'LoadClipFrames',
    'LoadClipSound',
    'PackClip',
    'PackObjectCrops',
    'RandomClipCrop',
    'RandomClipFlip',
    'RandomClipResize',
    'RandomSoundDrop',
    'SoundPatches',
    'SoundWindow',
    'log_mel',
    'patch_at',
    'sample_clip',
]
