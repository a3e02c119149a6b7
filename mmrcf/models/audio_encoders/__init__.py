from .base import PATCH_SHAPE, BaseAudioEncoder
from .small_audio_encoder import SmallAudioEncoder
from .vggish import VGGish, VGGishLSTM, load_vggish

__all__ = ['BaseAudioEncoder', 'PATCH_SHAPE', 'SmallAudioEncoder', 'VGGish', 'VGGishLSTM', 'load_vggish']
