"""MinVIS with mmdet's Mask2Former, ResNet-101, COCO instances."""

_base_ = './minvis_r50_coco.py'

model = dict(backbone=dict(depth=101))
