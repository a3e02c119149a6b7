# The schedule of the paper for Swin: learning rate 3e-4, weight decay 1e-2, backbone at the full rate (Section IV-A).
#
# Ours: no weight decay on norm layers and on the position tables of Swin, as Swin itself was trained. The rate needs no
# key `backbone`: MMEngine applies the longest key in a name and nothing else, so that one would hide the others.
_base_ = './adamw_60k.py'

optim_wrapper = dict(
    optimizer=dict(lr=3e-4, weight_decay=1e-2),
    paramwise_cfg=dict(
        _delete_=True,
        norm_decay_mult=0.0,
        custom_keys={'relative_position_bias_table': dict(decay_mult=0.0)},
    ),
)
