"""Class lists of the public data sets, by name. A label is an index into one of these."""

from mmrcf.errors import InputError

YOUTUBE_VIS_2019_CLASSES = (
    'person', 'giant_panda', 'lizard', 'parrot', 'skateboard', 'sedan', 'ape', 'dog', 'snake', 'monkey',
    'hand', 'rabbit', 'duck', 'cat', 'cow', 'fish', 'train', 'horse', 'turtle', 'bear',
    'motorbike', 'giraffe', 'leopard', 'fox', 'deer', 'owl', 'surfboard', 'airplane', 'truck', 'zebra',
    'tiger', 'elephant', 'snowboard', 'boat', 'shark', 'mouse', 'frog', 'eagle', 'earless_seal', 'tennis_racket',
)  # fmt: skip

YOUTUBE_VIS_2021_CLASSES = (
    'airplane', 'bear', 'bird', 'boat', 'car', 'cat', 'cow', 'deer', 'dog', 'duck',
    'earless_seal', 'elephant', 'fish', 'flying_disc', 'fox', 'frog', 'giant_panda', 'giraffe', 'horse', 'leopard',
    'lizard', 'monkey', 'motorbike', 'mouse', 'parrot', 'person', 'rabbit', 'shark', 'skateboard', 'snake',
    'snowboard', 'squirrel', 'surfboard', 'tennis_racket', 'tiger', 'train', 'truck', 'turtle', 'whale', 'zebra',
)  # fmt: skip

OVIS_CLASSES = (
    'Person', 'Bird', 'Cat', 'Dog', 'Horse', 'Sheep', 'Cow', 'Elephant', 'Bear', 'Zebra',
    'Giraffe', 'Poultry', 'Giant_panda', 'Lizard', 'Parrot', 'Monkey', 'Rabbit', 'Tiger', 'Fish', 'Turtle',
    'Bicycle', 'Motorcycle', 'Airplane', 'Boat', 'Vehical',
)  # fmt: skip
"""Spelt as in the published files."""

COCO_CLASSES = (
    'person', 'bicycle', 'car', 'motorcycle', 'airplane', 'bus', 'train', 'truck', 'boat', 'traffic light',
    'fire hydrant', 'stop sign', 'parking meter', 'bench', 'bird', 'cat', 'dog', 'horse', 'sheep', 'cow',
    'elephant', 'bear', 'zebra', 'giraffe', 'backpack', 'umbrella', 'handbag', 'tie', 'suitcase', 'frisbee',
    'skis', 'snowboard', 'sports ball', 'kite', 'baseball bat', 'baseball glove', 'skateboard', 'surfboard',
    'tennis racket', 'bottle', 'wine glass', 'cup', 'fork', 'knife', 'spoon', 'bowl', 'banana', 'apple',
    'sandwich', 'orange', 'broccoli', 'carrot', 'hot dog', 'pizza', 'donut', 'cake', 'chair', 'couch',
    'potted plant', 'bed', 'dining table', 'toilet', 'tv', 'laptop', 'mouse', 'remote', 'keyboard', 'cell phone',
    'microwave', 'oven', 'toaster', 'sink', 'refrigerator', 'book', 'clock', 'vase', 'scissors', 'teddy bear',
    'hair drier', 'toothbrush',
)  # fmt: skip
"""In the order of mmdet's models."""

SHAPES_CLASSES = ('disc', 'square', 'triangle', 'star', 'cross', 'ring', 'crescent', 'heart')
"""Every category has an outline of its own (and a voice of its own)."""

SHAPES_AV_CLASSES = (
    'disc-hum', 'disc-hiss',
    'square-chirp', 'square-clicks',
    'star-beeps', 'star-rumble',
    'heart-buzz', 'heart-warble',
)  # fmt: skip
"""Categories 2i and 2i + 1 share an outline and differ by voice only."""

CLASS_LISTS = {
    'coco': COCO_CLASSES,
    'youtube_vis_2019': YOUTUBE_VIS_2019_CLASSES,
    'youtube_vis_2021': YOUTUBE_VIS_2021_CLASSES,
    'ovis': OVIS_CLASSES,
    'shapes': SHAPES_CLASSES,
    'shapes_av': SHAPES_AV_CLASSES,
}


def resolve_classes(classes: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The class names a config asks for.

    Args:
        classes: Names; or the name of a list in ``CLASS_LISTS``; or None to take what the annotation file holds.

    Raises:
        InputError: No such list, an empty list, or a name given twice.
    """
    if classes is None:
        return None
    if isinstance(classes, str):
        if classes not in CLASS_LISTS:
            raise InputError(
                f'classes={classes!r}: no such class list; known are {", ".join(CLASS_LISTS)}; '
                f'for a class of your own, give a list: [{classes!r}]'
            )
        return CLASS_LISTS[classes]
    names = tuple(classes)
    if not names or not all(isinstance(name, str) for name in names):
        raise InputError(f'classes={names!r}: expected at least one class name')
    if len(set(names)) != len(names):
        raise InputError(f'classes={names!r}: a name is given twice; every class needs its own')
    return names
