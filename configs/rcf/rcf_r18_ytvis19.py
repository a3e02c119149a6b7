"""RCF, ResNet-18, YouTube-VIS 2019, made to keep up with a camera on two CPU cores."""

_base_ = './rcf_r101_ytvis19.py'

embed_dims = 256
scale = (320, 180)
load_from = None

_layers = dict(num_layers=3, feedforward_dims=1024)
model = dict(
    backbone=dict(depth=18, init_cfg=dict(checkpoint='https://download.pytorch.org/models/resnet18-f37072fd.pth')),
    neck=dict(in_channels=512, encoder=_layers),
    mask_decoder=dict(in_channels=[64, 128, 256], embed_dims=128, out_channels=128),
    head=dict(mask_dims=128, decoder=_layers),
)
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='ClipResize', scale=scale, keep_ratio=True),
    dict(type='PackClip'),
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
