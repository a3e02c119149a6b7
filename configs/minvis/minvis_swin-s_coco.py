"""MinVIS with mmdet's Mask2Former, Swin-S, COCO instances."""

_base_ = './minvis_swin-t_coco.py'

model = dict(backbone=dict(depths=[2, 2, 18, 2]))
