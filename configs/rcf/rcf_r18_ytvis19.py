"""RCF, ResNet-18, YouTube-VIS 2019: small enough to keep up with a camera on two CPU cores.

Frames are halved from 640x360 to 320x180: the cost of the backbone falls with the area, and a cell of the segmentation
map is then 8 pixels of the camera's. ResNet-18 without its last stage has tokens at stride 16, as many for a frame of
this size as the large configs have at stride 32 for theirs, and no layer whose weights alone take longer to read than
to use. Tokens are 128 wide, the mask decoder 64; encoder and decoder have two layers each.
"""

_base_ = [
    '../_base_/models/rcf_r101.py',
    '../_base_/datasets/youtube_vis_2019.py',
    '../_base_/schedules/adamw_60k.py',
    '../_base_/default_runtime.py',
]

embed_dims = 128
mask_dims = 64
scale = (320, 180)

_layers = dict(num_layers=2, feedforward_dims=512)
model = dict(
    data_preprocessor=dict(pad_size_divisor=16),
    backbone=dict(
        depth=18,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(0, 1, 2),
        init_cfg=dict(checkpoint='https://download.pytorch.org/models/resnet18-f37072fd.pth'),
    ),
    neck=dict(in_channels=256, embed_dims=embed_dims, encoder=_layers),
    mask_decoder=dict(in_channels=[64, 128], token_dims=embed_dims, embed_dims=mask_dims, out_channels=mask_dims),
    head=dict(embed_dims=embed_dims, mask_dims=mask_dims, decoder=_layers),
)

# Multi-scale around the 180 of testing.
train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    dict(
        type='RandomClipResize',
        scales=[(384, 144), (384, 160), (384, 176), (384, 180), (384, 192), (384, 208)],
    ),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='PackClip'),
]
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='ClipResize', scale=scale, keep_ratio=True),
    dict(type='PackClip'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
