"""RCF for ordinary clips: finds, segments and follows people, animals and vehicles, on two CPU cores.

Starts from the weights that ``rcf_r18_coco_completed.py`` gives and adds the context: one reference frame. Trains on
clips of three frames, a quarter of them of videos, the others of still images that move (``ObjectMotion``,
``ClipMotion``); objects of other clips are pasted into some of both.
"""

_base_ = ['./rcf_r18_coco_completed.py']

num_references = 1
embed_dims = 128
max_iters = 300

_layers = dict(num_layers=3, num_heads=8, feedforward_dims=512)
model = dict(
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
    head=dict(decoder=dict(dropout=0.0)),
)

train_dataloader = {{_base_.coco_davis.train_dataloader}}
val_dataloader = {{_base_.test_sets_large.sequences.dataloader}}
val_evaluator = {{_base_.test_sets_large.sequences.evaluator}}

optim_wrapper = dict(optimizer=dict(lr=1e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=50, end=max_iters),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
load_from = 'work_dirs/rcf_r18_coco_completed/iter_2500.pth'
