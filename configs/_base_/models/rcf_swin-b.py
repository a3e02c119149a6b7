# RCF, Swin-B.
_base_ = './rcf_r101.py'

swin_release = 'https://github.com/SwinTransformer/storage/releases/download/v1.0.0/'
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmdet.SwinTransformer',
        pretrain_img_size=384,
        embed_dims=128,
        depths=[2, 2, 18, 2],
        num_heads=[4, 8, 16, 32],
        window_size=12,
        drop_path_rate=0.3,
        out_indices=(0, 1, 2, 3),
        with_cp=False,
        convert_weights=True,
        init_cfg=dict(type='Pretrained', checkpoint=swin_release + 'swin_base_patch4_window12_384_22k.pth'),
    ),
    neck=dict(in_channels=1024),
    mask_decoder=dict(in_channels=[128, 256, 512]),
)
