"""RCF with audio, ResNet-101, AVISeg."""

_base_ = './rcf-av_r50_aviseg.py'

model = dict(
    backbone=dict(depth=101, init_cfg=dict(checkpoint='https://download.pytorch.org/models/resnet101-63fe2227.pth'))
)
