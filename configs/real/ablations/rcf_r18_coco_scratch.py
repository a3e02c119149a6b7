"""The backbone from scratch, all of it trained at the rate of the rest, instead of ImageNet weights."""

_base_ = './rcf_r18_coco_short.py'

model = dict(
    backbone=dict(
        frozen_stages=-1,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        init_cfg=dict(_delete_=True, type='Kaiming', layer='Conv2d'),
    )
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=1.0)}))
