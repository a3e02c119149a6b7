"""MinVIS with mmdet's Mask2Former, Swin-L, COCO panoptic."""

_base_ = './minvis_swin-b_coco-panoptic.py'

model = dict(
    backbone=dict(embed_dims=192, num_heads=[6, 12, 24, 48]),
    panoptic_head=dict(in_channels=[192, 384, 768, 1536], num_queries=200),
)
