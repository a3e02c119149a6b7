"""Stage 1 of ``rcf_r18_people-animals-vehicles.py``: still images in windows of 192x144, from ImageNet weights.

The first two backbone stages stay frozen. Every image gets up to six pasted objects: most images show one object or
none, and queries learn to divide objects among them only where there are several. The learning rate ends high, since
the next stage continues from there.
"""

_base_ = [
    '../_base_/models/rcf_r18_grid-anchored.py',
    '../_base_/datasets/people_animals_vehicles.py',
    '../_base_/schedules/adamw_ema.py',
]

max_iters = 1500

model = dict(
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/resnet18-f37072fd.pth')
    )
)

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    dict(type='VideoCopyPaste', sources={{_base_.paste_stills}}, max_objects=6, max_total=40, prob=1.0),
    dict(type='RandomClipResize', scales=[(160, 120), (192, 144), (224, 168), (256, 192), (304, 228), (352, 264)]),
    dict(type='RandomClipWindow', size=(192, 144)),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='ClipPhotometricDistortion', hue=10.0),
    dict(type='PackClip'),
]
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))

# Frames as large as the windows: trained on small ones, the model is of use in small frames only.
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='ClipResize', scale=(192, 144), keep_ratio=True),
    dict(type='PackClip'),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_sets = dict(
    images=dict(dataloader=dict(dataset=dict(pipeline=test_pipeline))),
    sequences=dict(dataloader=dict(dataset=dict(pipeline=test_pipeline))),
)

param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=200),
    dict(type='PolyLR', power=0.9, eta_min=5e-4, by_epoch=False, begin=200, end=2000),
]
auto_scale_lr = dict(enable=False, base_batch_size=8)  # two processes
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
