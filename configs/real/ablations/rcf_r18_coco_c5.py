"""Tokens from a fourth stage (stride 32), trained at the rate of the rest.

From scratch where the weights that the backbone starts from lack it, as those of the table do; its batch norms stay as
they are, like those below.
"""

_base_ = './rcf_r18_coco_short.py'

model = dict(
    data_preprocessor=dict(pad_size_divisor=32),
    backbone=dict(num_stages=4, strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1), out_indices=(0, 1, 2, 3)),
    neck=dict(in_channels=512),
    mask_decoder=dict(in_channels=[64, 128, 256]),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'backbone.layer4': dict(lr_mult=1.0)}))
