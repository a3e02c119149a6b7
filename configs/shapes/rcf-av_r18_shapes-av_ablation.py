"""The reference of the audio-visual ablations on shapes (``tools/experiments/run.py X``): a short training.

Every row starts from the same backbone and from nothing else, whatever its reference frames and with audio or without.
"""

_base_ = './rcf-av_r18_shapes-av.py'

max_iters = 1500

model = dict(
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint='demo/checkpoints/rcf_r18_shapes.pth', prefix='backbone.')
    ),
    head=dict(order_supervision=False),
)
train_dataloader = dict(batch_size=3, dataset=dict(num_targets=2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=150),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=150, end=max_iters),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters + 1)
default_hooks = dict(checkpoint=dict(interval=250, max_keep_ckpts=1, save_best=None))
previous_stage = None
