"""Round 2 on still images for ``rcf_r18_people-animals-vehicles.py``: longer, with labels completed by a better model.

It continues from the weights of round 1, which have also completed the labels (``tools/misc/complete_labels.py``),
without the context layers of the neck. Windows come from larger scales too: in some of them an object fills the window.
"""

_base_ = [
    '../_base_/models/rcf_r18_grid-anchored.py',
    '../_base_/datasets/people_animals_vehicles.py',
    '../_base_/schedules/adamw_ema.py',
]

max_iters = 4000

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    dict(type='VideoCopyPaste', sources={{_base_.paste_stills_round2}}, max_objects=3, max_total=40, prob=0.3),
    dict(
        type='RandomClipResize',
        scales=[(320, 240), (384, 288), (448, 336), (512, 384), (576, 432), (640, 480), (768, 576)],
    ),
    dict(type='RandomClipWindow', size=(448, 336)),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='ClipPhotometricDistortion', hue=10.0),
    dict(type='PackClip'),
]
train_dataloader = dict(
    batch_size=2,
    dataset=dict(datasets=[{{_base_.coco_round2}}, {{_base_.stills_round2}}], pipeline=train_pipeline),
)

optim_wrapper = dict(optimizer=dict(lr=4e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=100),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=100, end=max_iters),
]
auto_scale_lr = dict(enable=False, base_batch_size=4)  # two processes
train_cfg = dict(max_iters=max_iters, val_interval=1000)
previous_stage = dict(config='configs/real/rcf_r18_people-animals-vehicles_round1.py')
