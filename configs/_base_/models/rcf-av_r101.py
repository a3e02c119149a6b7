# RCF with audio, ResNet-101.
_base_ = './rcf-av_r50.py'

model = dict(
    backbone=dict(depth=101, init_cfg=dict(checkpoint='https://download.pytorch.org/models/resnet101-63fe2227.pth'))
)
