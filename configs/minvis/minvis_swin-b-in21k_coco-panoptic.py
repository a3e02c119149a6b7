"""MinVIS with mmdet's Mask2Former, Swin-B pre-trained on ImageNet-21K, COCO panoptic.

The network is that of minvis_swin-b_coco-panoptic.
"""

_base_ = './minvis_r50_coco-panoptic.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmdet.SwinTransformer',
        pretrain_img_size=384,
        embed_dims=128,
        depths=[2, 2, 18, 2],
        num_heads=[4, 8, 16, 32],
        window_size=12,
        out_indices=(0, 1, 2, 3),
        convert_weights=True,
    ),
    panoptic_head=dict(in_channels=[128, 256, 512, 1024]),
)
