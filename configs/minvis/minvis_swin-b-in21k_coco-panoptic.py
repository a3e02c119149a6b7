"""MinVIS with mmdet's Mask2Former, Swin-B pre-trained on ImageNet-21K, COCO panoptic."""

_base_ = './minvis_swin-b_coco-panoptic.py'
