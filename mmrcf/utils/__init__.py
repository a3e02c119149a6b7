from .files import atomic_output, read_json, require_file, require_folder, write_json

__all__ = ['atomic_output', 'read_json', 'require_file', 'require_folder', 'write_json']
