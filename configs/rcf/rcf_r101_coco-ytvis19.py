"""RCF, ResNet-101, first stage: YouTube-VIS 2019 and the overlapping COCO classes as pseudo-clips (Section IV-A)."""

_base_ = [
    '../_base_/models/rcf_r101.py',
    '../_base_/datasets/coco_youtube_vis_2019.py',
    '../_base_/schedules/adamw_60k.py',
    '../_base_/default_runtime.py',
]
