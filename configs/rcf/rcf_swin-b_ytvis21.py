"""RCF, Swin-B, YouTube-VIS 2021."""

_base_ = [
    '../_base_/models/rcf_swin-b.py',
    '../_base_/datasets/youtube_vis_2021.py',
    '../_base_/schedules/adamw_60k_swin.py',
    '../_base_/default_runtime.py',
]

previous_stage = dict(config='configs/rcf/rcf_swin-b_coco-ytvis21.py')
