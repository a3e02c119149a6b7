"""The stage before ``rcf_r18_shapes.py``: frames at four fifths of their size, from the backbone of the crops."""

_base_ = [
    '../_base_/models/rcf_r18_shapes.py',
    '../_base_/datasets/shapes.py',
    '../_base_/schedules/adamw_shapes.py',
    '../_base_/default_runtime.py',
]

scale = (230, 128)
max_iters = 5500

model = dict(
    # At first the queries have to learn to be active at all.
    head=dict(loss_cls=dict(class_weight=[1.0] * 8 + [0.1])),
)

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    dict(type='ClipResize', scale=scale, keep_ratio=True),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='PackClip'),
]
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='ClipResize', scale=scale, keep_ratio=True),
    dict(type='PackClip'),
]
train_dataloader = dict(batch_size=3, dataset=dict(num_references=1, num_targets=4, max_gap=3, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

optim_wrapper = dict(optimizer=dict(lr=6e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=300),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=300, end=max_iters),
]
auto_scale_lr = dict(enable=False, base_batch_size=3)
train_cfg = dict(max_iters=max_iters, val_interval=2750)
default_hooks = dict(checkpoint=dict(interval=500, save_best='vis/AP', rule='greater'))
# Of that stage the backbone alone is taken over: it is the only part that both models have.
previous_stage = dict(config='configs/shapes/r18_crops_shapes.py')
