"""RCF, ResNet-50, first stage: YouTube-VIS 2019 and the overlapping COCO classes as pseudo-clips (Section IV-A)."""

_base_ = ['./rcf_r50_ytvis19.py', '../_base_/datasets/coco_youtube_vis_2019.py']

load_from = None
train_dataloader = {{_base_.coco_youtube_vis_2019.train_dataloader}}
