from .copy_paste import VideoCopyPaste

__all__ = ['VideoCopyPaste']
