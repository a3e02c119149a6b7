"""A window that shows frames while they are made."""

import os
import sys

import cv2
import numpy as np

from mmrcf.errors import InputError
from mmrcf.media import Stopped

STOP_KEYS = (ord('q'), 27)


class Window:
    """Shows frames. Use it in a ``with`` block.

    Raises:
        InputError: There is no display, or OpenCV was built without windows.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        # Qt ends the process where it finds no display, so look before OpenCV does.
        if sys.platform.startswith('linux') and not (os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')):
            raise InputError('--show: there is no display here; write a file with --out instead')

    def __enter__(self) -> 'Window':
        try:
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL)
        except cv2.error as error:
            raise InputError('--show: this OpenCV has no windows; pip install opencv-python, or use --out') from error
        return self

    def show(self, image: np.ndarray) -> None:
        """Show an image (H, W, 3) uint8 RGB. Raises :class:`~mmrcf.media.Stopped` once the user presses q or Esc."""
        cv2.imshow(self._title, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        if cv2.waitKey(1) & 0xFF in STOP_KEYS:
            raise Stopped

    def __exit__(self, *_exc_info: object) -> None:
        cv2.destroyWindow(self._title)
