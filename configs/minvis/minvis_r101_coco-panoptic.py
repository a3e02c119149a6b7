"""MinVIS with mmdet's Mask2Former, ResNet-101, COCO panoptic."""

_base_ = './minvis_r50_coco-panoptic.py'

model = dict(backbone=dict(depth=101))
