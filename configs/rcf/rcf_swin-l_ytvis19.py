"""RCF, Swin-L, YouTube-VIS 2019."""

_base_ = './rcf_swin-b_ytvis19.py'

load_from = 'work_dirs/rcf_swin-l_coco-ytvis19/iter_60000.pth'
swin_release = 'https://github.com/SwinTransformer/storage/releases/download/v1.0.0/'
model = dict(
    backbone=dict(
        embed_dims=192,
        num_heads=[6, 12, 24, 48],
        init_cfg=dict(checkpoint=swin_release + 'swin_large_patch4_window12_384_22k.pth'),
    ),
    neck=dict(in_channels=1536),
    mask_decoder=dict(in_channels=[192, 384, 768]),
)
