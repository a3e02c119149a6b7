"""RCF, Swin-B, YouTube-VIS 2019: learning rate 3e-4, weight decay 1e-2, backbone at the full rate (Section IV-A)."""

_base_ = './rcf_r101_ytvis19.py'

load_from = 'work_dirs/rcf_swin-b_coco-ytvis19/iter_60000.pth'
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

no_decay = dict(decay_mult=0.0)
optim_wrapper = dict(
    optimizer=dict(lr=3e-4, weight_decay=1e-2),
    paramwise_cfg=dict(
        _delete_=True,
        custom_keys={
            'backbone': dict(lr_mult=1.0),
            'absolute_pos_embed': no_decay,
            'relative_position_bias_table': no_decay,
            'norm': no_decay,
        },
    ),
)
