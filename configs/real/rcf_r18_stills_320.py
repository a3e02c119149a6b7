"""Stage 2 of ``rcf_r18_people-animals-vehicles.py``: still images in windows of 320x240.

It continues from ``rcf_r18_stills_192.py``. The learning rate ends high, since the next stage continues from there.
"""

_base_ = [
    '../_base_/models/rcf_r18_grid-anchored.py',
    '../_base_/datasets/people_animals_vehicles.py',
    '../_base_/schedules/adamw_ema.py',
]

max_iters = 700

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    dict(type='VideoCopyPaste', sources={{_base_.paste_stills}}, max_objects=6, max_total=40, prob=0.5),
    dict(type='RandomClipResize', scales=[(240, 180), (280, 210), (320, 240), (384, 288), (448, 336)]),
    dict(type='RandomClipWindow', size=(320, 240)),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='ClipPhotometricDistortion', hue=10.0),
    dict(type='PackClip'),
]
train_dataloader = dict(batch_size=3, dataset=dict(pipeline=train_pipeline))

test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='ClipResize', scale=(320, 240), keep_ratio=True),
    dict(type='PackClip'),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_sets = dict(
    images=dict(dataloader=dict(dataset=dict(pipeline=test_pipeline))),
    sequences=dict(dataloader=dict(dataset=dict(pipeline=test_pipeline))),
)

optim_wrapper = dict(optimizer=dict(lr=6e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=100),
    dict(type='PolyLR', power=0.9, eta_min=3e-4, by_epoch=False, begin=100, end=max_iters),
]
auto_scale_lr = dict(enable=False, base_batch_size=6)  # two processes
train_cfg = dict(max_iters=max_iters, val_interval=350)
previous_stage = dict(config='configs/real/rcf_r18_stills_192.py')
