"""RCF, Swin-L, YouTube-VIS 2019."""

_base_ = [
    '../_base_/models/rcf_swin-l.py',
    '../_base_/datasets/youtube_vis_2019.py',
    '../_base_/schedules/adamw_60k_swin.py',
    '../_base_/default_runtime.py',
]

previous_stage = dict(config='configs/rcf/rcf_swin-l_coco-ytvis19.py')
