"""MinVIS with mmdet's Mask2Former, ResNet-50, COCO panoptic.

Its 80 things become objects, its 53 kinds of stuff do not.
"""

_base_ = [
    '../_base_/models/mask2former_r50.py',
    '../_base_/datasets/coco_images.py',
    '../_base_/default_runtime.py',
]

num_things_classes = 80
num_stuff_classes = 53

model = dict(
    panoptic_head=dict(
        num_things_classes=num_things_classes,
        num_stuff_classes=num_stuff_classes,
        loss_cls=dict(class_weight=[1.0] * (num_things_classes + num_stuff_classes) + [0.1]),
    ),
)
