"""Defaults that library functions and command lines share. A parser names them without importing what uses them."""

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
THRESHOLDS = (0.5, 0.75)
"""Track IoU above which Table XII takes an object."""
