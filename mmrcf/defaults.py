"""Defaults that library functions and command lines share. A parser names them without importing what uses them."""

from dataclasses import dataclass

from .errors import InputError

MAX_PIXELS = 2**26
"""Largest image that is decoded, 8192x8192: a small file may claim any size."""
MAX_SIDE = 16384
"""Largest width and height of a video in an annotation file."""
OPSET = 20
"""Version of the ONNX operators."""
FLOAT_PARTS = ('neck', 'head', 'audio_encoder')
"""Parts that stay in float in an int8 model: their small matrix products were slower in int8."""
DEFAULT_SPLITS = {'train': 400, 'val': 100, 'test': 100}
"""Videos of each split of a synthetic benchmark."""
T_TEST_IOUS = (0.5, 0.75)
"""Track IoU above which Table XII takes an object."""


@dataclass(frozen=True)
class LabelRules:
    """What becomes of a track of a model that labels videos (``tools/misc/auto_label.py``).

    Its class is the most probable one in the mean of its class probabilities, its score that one's mean probability.

    Attributes:
        accept_thr: Lowest score of an object, in [0, 1].
        ignore_thr: Lowest score at which a detection is an ignored region; below it, it is background.
        min_frames: Least number of frames of an object; in a shorter video, all of its frames.
        min_presence: Least share of the frames from its first to its last in which an object is detected.
        min_class_share: Least share of its frames in which an object has its class.
        classes: Names of the classes that are labelled; detections of others are background. None: all.
    """

    accept_thr: float = 0.5
    ignore_thr: float = 0.2
    min_frames: int = 5
    min_presence: float = 0.7
    min_class_share: float = 0.7
    classes: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in ('accept_thr', 'ignore_thr', 'min_presence', 'min_class_share'):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f'{name}={getattr(self, name)}: expected a number in [0, 1]')
        if self.ignore_thr > self.accept_thr:
            raise InputError(f'ignore_thr={self.ignore_thr}: is above accept_thr={self.accept_thr}; lower it')
        if self.min_frames < 1:
            raise InputError(f'min_frames={self.min_frames}: expected a number of frames of at least 1')
