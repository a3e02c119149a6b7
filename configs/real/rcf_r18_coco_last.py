"""Goes on from ``rcf_r18_coco_large.py``, all the same, while the learning rate falls to nothing."""

_base_ = ['./rcf_r18_coco_large.py']

max_iters = 1500

optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=50, end=max_iters),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
load_from = 'work_dirs/rcf_r18_coco_large/iter_1000.pth'
