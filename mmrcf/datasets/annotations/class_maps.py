"""Which COCO classes are also YouTube-VIS classes, by name.

Left out on purpose, and easily added through the ``class_map`` of a config: bicycle (not a motorbike) and skis (not a
snowboard), which some public recipes map to their nearest class, and mouse, which is an animal in YouTube-VIS and a
device in COCO. YouTube-VIS 2019 has no general bird, only kinds of birds.
"""

_IN_BOTH = {
    'person': 'person',
    'motorcycle': 'motorbike',
    'airplane': 'airplane',
    'train': 'train',
    'truck': 'truck',
    'boat': 'boat',
    'cat': 'cat',
    'dog': 'dog',
    'horse': 'horse',
    'cow': 'cow',
    'bear': 'bear',
    'elephant': 'elephant',
    'zebra': 'zebra',
    'giraffe': 'giraffe',
    'snowboard': 'snowboard',
    'skateboard': 'skateboard',
    'surfboard': 'surfboard',
    'tennis racket': 'tennis_racket',
}

COCO_TO_YOUTUBE_VIS_2019 = _IN_BOTH | {'car': 'sedan'}
COCO_TO_YOUTUBE_VIS_2021 = _IN_BOTH | {'car': 'car', 'bird': 'bird', 'frisbee': 'flying_disc'}

CLASS_MAPS = {'youtube_vis_2019': COCO_TO_YOUTUBE_VIS_2019, 'youtube_vis_2021': COCO_TO_YOUTUBE_VIS_2021}
