"""The clip stage after more stills, and gentler: three clips of four are of images, the learning rate is half as high.

Of the videos, all beside the labelled object is an ignored region.
"""

_base_ = '../rcf_r18_coco-davis.py'

max_iters = 400

train_dataloader = {{_base_.coco_davis_gentle.train_dataloader}}
optim_wrapper = dict(optimizer=dict(lr=1e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=50, end=max_iters),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
load_from = 'work_dirs/rcf_r18_coco_jitter/iter_3500.pth'
