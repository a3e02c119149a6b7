"""Goes on from ``rcf_r18_coco.py`` in windows of 320x240."""

_base_ = ['./rcf_r18_coco.py']

max_iters = 1500
rate_end = 3000  # the next stage goes on from there

model = dict(backbone=dict(init_cfg=None))  # load_from has its weights

train_dataloader = {{_base_.coco_stills_medium.train_dataloader}}
test_sets = {{_base_.test_sets_medium}}
val_dataloader = {{_base_.test_sets_medium.images.dataloader}}
val_evaluator = {{_base_.test_sets_medium.images.evaluator}}
test_dataloader = {{_base_.test_sets_medium.sequences.dataloader}}
test_evaluator = {{_base_.test_sets_medium.sequences.evaluator}}

optim_wrapper = dict(optimizer=dict(lr=6e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=100),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=100, end=rate_end),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
load_from = 'work_dirs/rcf_r18_coco/iter_2000.pth'
