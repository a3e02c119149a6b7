"""Goes on from ``../rcf_r18_coco_last.py``: once more from a high learning rate, with images in more sizes."""

_base_ = ['../rcf_r18_coco_last.py']

max_iters = 3500

train_dataloader = {{_base_.coco_stills_jitter.train_dataloader}}
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=50, end=max_iters),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
load_from = 'work_dirs/rcf_r18_coco_last/iter_2700.pth'
