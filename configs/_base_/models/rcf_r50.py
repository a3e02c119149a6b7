# RCF, ResNet-50.
_base_ = './rcf_r101.py'

model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint='https://download.pytorch.org/models/resnet50-0676ba61.pth'))
)
