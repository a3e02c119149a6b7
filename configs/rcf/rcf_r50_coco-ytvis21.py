"""RCF, ResNet-50, first stage: YouTube-VIS 2021 and the overlapping COCO classes, COCO images as pseudo-clips (Section IV-A)."""

_base_ = ['./rcf_r50_ytvis19.py', '../_base_/datasets/coco_youtube_vis_2021.py']

load_from = None
