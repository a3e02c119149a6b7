"""Images of more than 8 bits a sample, scaled to 8 bits."""

import numpy as np

# Bits of the sensors behind deep images.
DEPTHS = (12, 14, 16, 24, 32)
# White of floats, each with the brightest value up to which it is assumed.
FLOAT_WHITES = ((4.0, 1.0), (4 * 255.0, 255.0), (np.inf, 65535.0))
ROWS = 256  # scaled at a time: a whole large image would need several times its memory for the numbers in between


class WhiteLevel:
    """Scales deep samples to 8 bits by the value that is white, which images do not state.

    Integers are those of a sensor of 12, 14, 16, 24 or 32 bits: the smallest of them that holds the brightest value so
    far; where their type is signed, its largest value is white at most, and negative ones are black. Floats lie in [0,
    1], in [0, 255] once one is above 4, in [0, 65535] once one is above 1020. White never falls, so one object for all
    images of a video keeps their brightness constant. Values above white are white, and NaN is black.
    """

    def __init__(self) -> None:
        self._white = 0.0

    def to_uint8(self, values: np.ndarray) -> np.ndarray:
        """``values`` of any shape, integers or floats, as uint8 of the same shape; uint8 as it is."""
        if values.dtype == np.uint8:
            return values
        parts = [slice(start, start + ROWS) for start in range(0, len(values), ROWS)]
        brightest = max((_brightest(values[part]) for part in parts), default=0.0)
        if values.dtype.kind == 'f':
            white = next(white for limit, white in FLOAT_WHITES if brightest <= limit)
        else:
            depth = next((depth for depth in DEPTHS if brightest < 2**depth), DEPTHS[-1])
            white = min(2.0**depth - 1, float(np.iinfo(values.dtype).max))
        self._white = max(self._white, white)
        scaled = np.empty(values.shape, np.uint8)
        for part in parts:
            numbers = np.nan_to_num(values[part].astype(np.float32), copy=False, nan=0).clip(0, self._white)
            scaled[part] = numbers * np.float32(255 / self._white) + 0.5
        return scaled


def _brightest(values: np.ndarray) -> float:
    return float(values.max(initial=0, where=np.isfinite(values)))
