from .files import parse_json, read_json, read_text, require_file, require_folder
from .images import read_image
from .machine import describe_machine, keep_freed_memory, peak_mib, resident_mib
from .masks import mask_boxes
from .outputs import atomic_output, only_writer, require_writable, write_json
from .text import counted, did_you_mean

__all__ = [
    'atomic_output',
    'counted',
    'describe_machine',
    'did_you_mean',
    'keep_freed_memory',
    'mask_boxes',
    'only_writer',
    'parse_json',
    'peak_mib',
    'read_image',
    'read_json',
    'read_text',
    'require_file',
    'require_folder',
    'require_writable',
    'resident_mib',
    'write_json',
]
