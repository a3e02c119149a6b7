"""MinVIS with mmdet's Mask2Former, Swin-B, COCO panoptic."""

_base_ = './minvis_swin-s_coco-panoptic.py'

model = dict(
    backbone=dict(pretrain_img_size=384, embed_dims=128, num_heads=[4, 8, 16, 32], window_size=12),
    panoptic_head=dict(in_channels=[128, 256, 512, 1024]),
)
