"""Goes on from ``rcf_r18_coco_medium.py`` in windows of 448x336, about as large as an image, with little pasted in."""

_base_ = ['./rcf_r18_coco_medium.py']

max_iters = 1000
rate_end = 2000  # the next stage goes on from there

train_dataloader = {{_base_.coco_stills_large.train_dataloader}}
test_sets = {{_base_.test_sets_large}}
val_dataloader = {{_base_.test_sets_large.images.dataloader}}
val_evaluator = {{_base_.test_sets_large.images.evaluator}}
test_dataloader = {{_base_.test_sets_large.sequences.dataloader}}
test_evaluator = {{_base_.test_sets_large.sequences.evaluator}}

optim_wrapper = dict(optimizer=dict(lr=3e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=50, end=rate_end),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
load_from = 'work_dirs/rcf_r18_coco_medium/iter_1500.pth'
