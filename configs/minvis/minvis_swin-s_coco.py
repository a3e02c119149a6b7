"""MinVIS with mmdet's Mask2Former, Swin-S, COCO instances."""

_base_ = './minvis_r50_coco.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmdet.SwinTransformer',
        embed_dims=96,
        depths=[2, 2, 18, 2],
        num_heads=[3, 6, 12, 24],
        window_size=7,
        out_indices=(0, 1, 2, 3),
        convert_weights=True,
    ),
    panoptic_head=dict(in_channels=[96, 192, 384, 768]),
)
