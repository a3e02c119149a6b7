"""Mask2Former-VIS, ResNet-101, YouTube-VIS 2019."""

_base_ = './mask2former-vis_r50_ytvis19.py'

model = dict(
    init_cfg=dict(
        checkpoint='https://download.openmmlab.com/mmdetection/v3.0/mask2former/mask2former_r101_8xb2-lsj-50e_coco/'
        'mask2former_r101_8xb2-lsj-50e_coco_20220426_100250-ecf181e2.pth'
    ),
    backbone=dict(depth=101),
)
