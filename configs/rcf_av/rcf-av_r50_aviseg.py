"""RCF with audio, ResNet-50, AVISeg."""

_base_ = [
    '../_base_/models/rcf-av_r50.py',
    '../_base_/datasets/aviseg.py',
    '../_base_/schedules/adamw_60k.py',
    '../_base_/default_runtime.py',
]

num_classes = 26

model = dict(head=dict(num_classes=num_classes, loss_cls=dict(class_weight=[1.0] * num_classes + [0.1])))
train_cfg = dict(val_interval=20000)
