"""The first stage with fewer iterations: what ``_no-places``, ``_scratch`` and ``_c5`` beside it are compared with."""

_base_ = '../rcf_r18_coco.py'

max_iters = 500

param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=200),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=200, end=max_iters),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
