"""The categories of the two variants: look and sound of their objects."""

from dataclasses import dataclass

from mmrcf.datasets.classes import SHAPES_AV_CLASSES, SHAPES_CLASSES


@dataclass(frozen=True)
class Variant:
    """One of the two benchmarks.

    Attributes:
        name: The name on the command line and of the folder.
        classes: The category names; category id = index + 1.
        looks: For each category the name of its outline.
        voices: For each category the name of its voice.
        max_objects: Most objects in one video.
        max_same_look: Most objects of one outline in one video.
        duet_share: How often two objects sound at a time rather than one.
        pulse: Whether an object shows its loudness by brightness and size.
    """

    name: str
    classes: tuple[str, ...]
    looks: tuple[str, ...]
    voices: tuple[str, ...]
    max_objects: int
    max_same_look: int
    duet_share: float
    pulse: bool


VARIANTS = {
    'shapes': Variant(
        name='shapes',
        classes=SHAPES_CLASSES,
        looks=SHAPES_CLASSES,
        voices=('hum', 'chirp', 'beeps', 'buzz', 'hiss', 'clicks', 'rumble', 'warble'),
        max_objects=5,
        max_same_look=3,
        duet_share=0.65,
        pulse=False,
    ),
    'shapes_av': Variant(
        name='shapes_av',
        classes=SHAPES_AV_CLASSES,
        looks=tuple(name.split('-')[0] for name in SHAPES_AV_CLASSES),
        voices=tuple(name.split('-')[1] for name in SHAPES_AV_CLASSES),
        # At most two objects sound at a time: with more objects the turns of each would be too short.
        max_objects=4,
        max_same_look=2,
        duet_share=0.85,
        pulse=True,
    ),
}
