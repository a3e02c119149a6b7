"""RCF, ResNet-50, YouTube-VIS 2022: the training of 2021, tested on the videos of 2022."""

_base_ = [
    '../_base_/models/rcf_r50.py',
    '../_base_/datasets/youtube_vis_2022.py',
    '../_base_/schedules/adamw_60k.py',
    '../_base_/default_runtime.py',
]

previous_stage = dict(config='configs/rcf/rcf_r50_coco-ytvis21.py')
