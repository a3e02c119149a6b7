"""The shipped model, trained further on YouTube-VIS 2019 and the whole of COCO.

It starts from the shipped weights. Half of the clips are videos, the others are COCO images that move. The whole
backbone is trained, in batches of 32 clips on 8 GPUs. The test images are those of the validation images that COCO's
training file has; the labels of YouTube-VIS's own validation split are not public.
"""

_base_ = [
    '../_base_/models/rcf_r18_grid-anchored_context.py',
    '../_base_/datasets/people_animals_vehicles.py',
    '../_base_/schedules/adamw_ema.py',
]

max_iters = 60000

youtube_vis_class_map = dict(
    person='person',
    giant_panda='animal',
    lizard='animal',
    parrot='animal',
    ape='animal',
    dog='animal',
    snake='animal',
    monkey='animal',
    rabbit='animal',
    duck='animal',
    cat='animal',
    cow='animal',
    fish='animal',
    horse='animal',
    turtle='animal',
    bear='animal',
    giraffe='animal',
    leopard='animal',
    fox='animal',
    deer='animal',
    owl='animal',
    zebra='animal',
    tiger='animal',
    elephant='animal',
    shark='animal',
    mouse='animal',
    frog='animal',
    eagle='animal',
    earless_seal='animal',
    sedan='vehicle',
    train='vehicle',
    motorbike='vehicle',
    airplane='vehicle',
    truck='vehicle',
    boat='vehicle',
)
youtube_vis = dict(
    type='YouTubeVISDataset',
    data_root='data/youtube_vis_2019/',
    ann_file='train.json',
    data_prefix=dict(img='train/JPEGImages'),
    metainfo=dict(classes={{_base_.classes}}),
    class_map=youtube_vis_class_map,
    max_gap=1,  # five frames a second
)

model = dict(backbone=dict(frozen_stages=-1))
train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    dict(type='ObjectMotion', prob=0.5, stills_only=True),
    dict(type='ClipMotion', translate=0.15, rotate=10.0, scale=1.2, perspective=0.05, stills_only=True),
    dict(type='RandomClipResize', scales=[(320, 240), (384, 288), (448, 336), (512, 384), (576, 432), (640, 480)]),
    dict(type='RandomClipWindow', size=(448, 336)),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='ClipPhotometricDistortion', hue=10.0),
    dict(type='ClipPhotometricDrift', prob=0.5),
    dict(type='ClipBlur'),
    dict(type='PackClip'),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(weights=(1.0, 1.0)),
    dataset=dict(datasets=[youtube_vis, {{_base_.coco}}], num_references=1, num_targets=2, pipeline=train_pipeline),
)
# The base validates on the images already; the names of DAVIS are accepted too, of which COCO has `person` only.
val_dataloader = dict(dataset=dict(class_map={{_base_.davis_class_map}}))
val_evaluator = {{_base_.test_sets.images.evaluator}}
test_dataloader = {{_base_.test_sets.images.dataloader}}
test_evaluator = {{_base_.test_sets.images.evaluator}}

optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=1000),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=1000, end=max_iters),
]
auto_scale_lr = dict(enable=False, base_batch_size=32)
train_cfg = dict(max_iters=max_iters, val_interval=10000)
default_hooks = dict(checkpoint=dict(interval=5000))
previous_stage = dict(
    config='configs/real/rcf_r18_people-animals-vehicles.py',
    checkpoint='demo/checkpoints/rcf_r18_people-animals-vehicles.pth',
)
