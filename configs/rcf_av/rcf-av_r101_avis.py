"""RCF with audio, ResNet-101, AVIS."""

_base_ = [
    '../_base_/models/rcf-av_r101.py',
    '../_base_/datasets/avis.py',
    '../_base_/schedules/adamw_60k.py',
    '../_base_/default_runtime.py',
]

train_cfg = dict(val_interval=20000)
