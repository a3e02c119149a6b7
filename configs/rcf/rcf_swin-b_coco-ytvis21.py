"""RCF, Swin-B, first stage: YouTube-VIS 2021 and the overlapping COCO classes as pseudo-clips (Section IV-A)."""

_base_ = [
    '../_base_/models/rcf_swin-b.py',
    '../_base_/datasets/coco_youtube_vis_2021.py',
    '../_base_/schedules/adamw_60k_swin.py',
    '../_base_/default_runtime.py',
]
