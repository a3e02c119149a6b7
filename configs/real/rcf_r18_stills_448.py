"""Stage 3 of ``rcf_r18_people-animals-vehicles.py``: still images in windows of 448x336, the size of testing.

It continues from ``rcf_r18_stills_320.py``, with labels that the weights of that stage have completed
(``tools/misc/complete_labels.py``) and few pasted objects: with more, whatever looks out of place is detected as an
object. The learning rate falls to 0.
"""

_base_ = [
    '../_base_/models/rcf_r18_grid-anchored.py',
    '../_base_/datasets/people_animals_vehicles.py',
    '../_base_/schedules/adamw_ema.py',
]

max_iters = 1400

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    dict(type='VideoCopyPaste', sources={{_base_.paste_stills_round1}}, max_objects=3, max_total=40, prob=0.3),
    dict(type='RandomClipResize', scales=[(320, 240), (384, 288), (448, 336), (512, 384), (576, 432), (640, 480)]),
    dict(type='RandomClipWindow', size=(448, 336)),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='ClipPhotometricDistortion', hue=10.0),
    dict(type='PackClip'),
]
train_dataloader = dict(
    batch_size=2,
    dataset=dict(datasets=[{{_base_.coco_round1}}, {{_base_.stills_round1}}], pipeline=train_pipeline),
)

optim_wrapper = dict(optimizer=dict(lr=4e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=100),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=100, end=max_iters),
]
auto_scale_lr = dict(enable=False, base_batch_size=4)  # two processes
train_cfg = dict(max_iters=max_iters, val_interval=350)
previous_stage = dict(config='configs/real/rcf_r18_stills_320.py')
