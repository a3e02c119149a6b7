"""MinVIS with mmdet's Mask2Former, Swin-L, COCO panoptic."""

_base_ = './minvis_r50_coco-panoptic.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmdet.SwinTransformer',
        pretrain_img_size=384,
        embed_dims=192,
        depths=[2, 2, 18, 2],
        num_heads=[6, 12, 24, 48],
        window_size=12,
        out_indices=(0, 1, 2, 3),
        convert_weights=True,
    ),
    panoptic_head=dict(in_channels=[192, 384, 768, 1536], num_queries=200),
)
