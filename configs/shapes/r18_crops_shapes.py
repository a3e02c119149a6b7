"""Teaches the narrow ResNet-18 of ``rcf_r18_shapes.py`` the shapes from crops; stands in for the ImageNet weights of
the paper.

A few minutes on one core. ``rcf_r18_shapes.py`` starts from the result.
"""

_base_ = ['../_base_/datasets/shapes.py', '../_base_/default_runtime.py']

max_iters = 3500

model = dict(
    type='ObjectClassifier',
    backbone=dict(
        type='mmdet.ResNet',
        depth=18,
        base_channels=24,
        stem_channels=24,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(0, 1, 2),
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        style='pytorch',
        init_cfg=dict(type='Kaiming', layer='Conv2d'),
    ),
    in_channels=96,
    num_classes=8,
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
)

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    dict(type='PackObjectCrops', size=48, scale=(0.6, 1.1), shift=8.0),
]
train_dataloader = dict(batch_size=16, dataset=dict(num_references=0, num_targets=1, pipeline=train_pipeline))
val_dataloader = None
val_evaluator = None
test_dataloader = None
test_evaluator = None

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-2, fused=True),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=200),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=200, end=max_iters),
]
auto_scale_lr = dict(enable=False, base_batch_size=16)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters)
val_cfg = None
test_cfg = None
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=1000))
randomness = dict(seed=0)
