"""RCF, ResNet-50, YouTube-VIS 2019."""

_base_ = './rcf_r101_ytvis19.py'

load_from = 'work_dirs/rcf_r50_coco-ytvis19/iter_60000.pth'
model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint='https://download.pytorch.org/models/resnet50-0676ba61.pth'))
)
