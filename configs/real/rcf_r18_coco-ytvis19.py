"""``rcf_r18_coco-davis.py`` with YouTube-VIS 2019 in the place of DAVIS: for whoever has it and the whole of COCO.

COCO as it is published has no partly labelled images, which is a warning: no labels are to be completed, and the
training starts from ``rcf_r18_coco_last.py``. Of the validation images its training file has a part, which are tested
here; the labels of YouTube-VIS's own validation split are not public. Half of the clips are of videos, and with full
sets the backbone is trained whole, in larger batches, and longer.
"""

_base_ = ['./rcf_r18_coco-davis.py']

max_iters = 60000

model = dict(backbone=dict(frozen_stages=-1))
train_dataloader = {{_base_.coco_youtube_vis.train_dataloader}}
val_dataloader = {{_base_.test_sets_large.images.dataloader}}
val_evaluator = {{_base_.test_sets_large.images.evaluator}}
test_dataloader = {{_base_.test_sets_large.images.dataloader}}
test_evaluator = {{_base_.test_sets_large.images.evaluator}}
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=1000),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=1000, end=max_iters),
]
optim_wrapper = dict(optimizer=dict(lr=2e-4))
train_cfg = dict(max_iters=max_iters, val_interval=10000)
default_hooks = dict(checkpoint=dict(interval=5000))
load_from = 'work_dirs/rcf_r18_coco_last/iter_1500.pth'
