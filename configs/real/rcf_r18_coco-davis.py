"""RCF for ordinary clips: finds, segments and follows people, animals and vehicles, on two CPU cores.

Starts from the weights that ``rcf_r18_coco.py`` gives and adds the context: one reference frame. Trains on clips of
three frames, half of them of videos, half of still images that move (``ObjectMotion``, ``ClipMotion``); objects of
other clips are pasted into both.
"""

_base_ = ['./rcf_r18_coco.py']

num_references = 1
embed_dims = 128
max_iters = 1000

_layers = dict(num_layers=3, num_heads=8, feedforward_dims=512)
model = dict(
    backbone=dict(init_cfg=None),  # load_from has its weights
    neck=dict(
        _delete_=True,
        type='RobustContextFusion',
        in_channels=256,
        num_references=num_references,
        embed_dims=embed_dims,
        grid_size=2,
        encoder=_layers,
        located_content=True,
    ),
)

train_dataloader = {{_base_.coco_davis.train_dataloader}}
val_dataloader = {{_base_.test_sets.sequences.dataloader}}
val_evaluator = {{_base_.test_sets.sequences.evaluator}}

optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=100),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=100, end=max_iters),
]
train_cfg = dict(max_iters=max_iters, val_interval=500)
load_from = 'work_dirs/rcf_r18_coco/iter_4500.pth'
