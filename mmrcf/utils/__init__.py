from .files import atomic_output, read_json, require_file, require_folder, write_json
from .images import read_image
from .masks import mask_boxes

__all__ = [
    'atomic_output',
    'mask_boxes',
    'read_image',
    'read_json',
    'require_file',
    'require_folder',
    'write_json',
]
