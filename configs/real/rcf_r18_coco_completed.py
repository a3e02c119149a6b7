"""Goes on from ``rcf_r18_coco_last.py`` with labels that its weights have completed, and images in more sizes.

Where just one person of an image is labelled, all beside the person was an ignored region until now, and two images of
three taught no background. ``tools/misc/complete_labels.py`` writes the labels.
"""

_base_ = ['./rcf_r18_coco_last.py']

max_iters = 2500

_layers = dict(dropout=0.1)
model = dict(neck=dict(encoder=_layers), head=dict(decoder=_layers))
train_dataloader = {{_base_.coco_stills_completed.train_dataloader}}
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=50, end=max_iters),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
load_from = 'work_dirs/rcf_r18_coco_last/iter_1500.pth'
