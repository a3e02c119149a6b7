"""The reference of the ablations on shapes (``tools/experiments/run.py``): a short training on small frames.

As ``rcf_r18_shapes_small.py``, from the same backbone, but with the paper's choices where the tables compare them: no
order supervision (Table VII), and the tracker's rules.
"""

_base_ = './rcf_r18_shapes_small.py'

max_iters = 1500

model = dict(
    # Read here too, though the stage before gives it: so the random values of the other layers are those of the runs in
    # docs/experiments.md.
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint='work_dirs/r18_crops_shapes/iter_3500.pth', prefix='backbone.')
    ),
    head=dict(order_supervision=False),
    tracker=dict(_delete_=True, type='MatchingFreeTracker', iou_threshold=0.5),
)
train_dataloader = dict(dataset=dict(num_targets=2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=150),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=150, end=max_iters),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters + 1)
default_hooks = dict(checkpoint=dict(interval=250, max_keep_ckpts=1, save_best=None))
