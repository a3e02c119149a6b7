"""Colours of track IDs, which also people with a colour vision deficiency tell apart, and of text on them."""

BASE_COLORS = (
    (86, 180, 233),
    (238, 102, 119),
    (238, 221, 136),
    (204, 121, 167),
    (153, 221, 255),
    (0, 119, 187),
    (238, 136, 102),
    (187, 204, 51),
    (255, 170, 187),
    (120, 94, 240),
    (170, 51, 119),
    (204, 51, 17),
)
"""Twelve colours (RGB) of the palettes of Okabe and Ito, Tol, and IBM, chosen and ordered by search.

The objective is the smallest CIELAB distance of colours one, two and three places apart, under normal vision and under
full deuteranopia, protanopia and tritanopia (Machado et al., 2009).
"""
GOLDEN_RATIO = 0.6180339887498949
_MOST_MIXED = 0.6


def track_color(track_id: int) -> tuple[int, int, int]:
    """Colour (RGB, 0 to 255) of a track ID: the same in every frame, video and run.

    The first twelve are :data:`BASE_COLORS`; every further twelve are these mixed with more or less black or white.
    """
    lap, place = divmod(track_id, len(BASE_COLORS))
    # In [-1, 1), spread evenly over the laps, 0 for the first.
    mixed = 2 * ((lap * GOLDEN_RATIO + 0.5) % 1.0 - 0.5)
    target, share = (255 if mixed > 0 else 0), _MOST_MIXED * abs(mixed)
    red, green, blue = (round(value + share * (target - value)) for value in BASE_COLORS[place])
    return red, green, blue


def text_color(background: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, the one with more contrast on ``background`` (RGB)."""
    red, green, blue = background
    return (0, 0, 0) if 0.299 * red + 0.587 * green + 0.114 * blue > 130 else (255, 255, 255)
