import importlib
import pkgutil

from .base import PATCH_SHAPE, BaseAudioEncoder
from .small_audio_encoder import SmallAudioEncoder
from .vggish import VGGish, VGGishLSTM, load_vggish

# Every file of this folder is imported, so a new audio encoder registers itself without a change here.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f'{__name__}.{_module.name}')

__all__ = ['PATCH_SHAPE', 'BaseAudioEncoder', 'SmallAudioEncoder', 'VGGish', 'VGGishLSTM', 'load_vggish']
