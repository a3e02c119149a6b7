"""One colour an identity: the same in every frame, every video and every run."""

import colorsys

# Bright and far apart from one another, in an order in which neighbours differ most (RGB).
BASE_COLORS = (
    (255, 99, 71),
    (30, 144, 255),
    (255, 215, 0),
    (60, 200, 90),
    (238, 110, 238),
    (0, 225, 225),
    (255, 150, 30),
    (150, 110, 255),
    (190, 245, 60),
    (255, 120, 170),
    (0, 165, 150),
    (205, 150, 95),
)
GOLDEN_RATIO = 0.6180339887498949


def identity_color(identity: int) -> tuple[int, int, int]:
    """Colour (RGB, 0 to 255) of an identity. The first ones are chosen by hand, the others walk round the hues."""
    if 0 <= identity < len(BASE_COLORS):
        return BASE_COLORS[identity]
    hue = (identity * GOLDEN_RATIO) % 1.0
    lightness = (0.6, 0.72, 0.5)[identity % 3]
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.85)
    return round(255 * red), round(255 * green), round(255 * blue)


def text_color(background: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, whichever reads better on ``background`` (RGB)."""
    red, green, blue = background
    return (0, 0, 0) if 0.299 * red + 0.587 * green + 0.114 * blue > 130 else (255, 255, 255)
