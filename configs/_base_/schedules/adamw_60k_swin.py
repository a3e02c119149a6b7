# The schedule of the paper for Swin: learning rate 3e-4, weight decay 1e-2, backbone at the full rate (Section IV-A).
_base_ = './adamw_60k.py'

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
