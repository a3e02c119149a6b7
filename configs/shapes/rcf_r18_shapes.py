"""RCF on the synthetic shapes benchmark, made for two CPU cores.

The last of three stages: ``r18_crops_shapes.py`` teaches the backbone the shapes, ``rcf_r18_shapes_small.py`` trains
the network on frames of four fifths of their size, and this one continues at full size. Stages that are missing are
trained first. Clips have four targets, up to three frames apart. The first base has the model, with the reasons.
"""

_base_ = [
    '../_base_/models/rcf_r18_shapes.py',
    '../_base_/datasets/shapes.py',
    '../_base_/schedules/adamw_shapes.py',
    '../_base_/default_runtime.py',
]

scale = (288, 160)
max_iters = 6000

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    dict(type='ClipResize', scale=scale, keep_ratio=True),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='PackClip'),
]
train_dataloader = dict(batch_size=2, dataset=dict(num_references=1, num_targets=4, max_gap=3, pipeline=train_pipeline))

param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=300),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=300, end=max_iters),
]
auto_scale_lr = dict(enable=False, base_batch_size=2)
train_cfg = dict(max_iters=max_iters, val_interval=3000)
default_hooks = dict(checkpoint=dict(interval=500, save_best='vis/AP', rule='greater'))
previous_stage = dict(
    config='configs/shapes/rcf_r18_shapes_small.py',
    same_fields=[
        'model.neck',
        'model.head.num_queries',
        'model.head.order_supervision',
        'train_dataloader.dataset.num_references',
        'train_dataloader.dataset.num_targets',
    ],
)
