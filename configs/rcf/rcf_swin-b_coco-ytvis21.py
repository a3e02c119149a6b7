"""RCF, Swin-B, first stage: YouTube-VIS 2021 and the overlapping COCO classes as pseudo-clips (Section IV-A)."""

_base_ = ['./rcf_swin-b_ytvis21.py', '../_base_/datasets/coco_youtube_vis_2021.py']

load_from = None
train_dataloader = {{_base_.coco_youtube_vis_2021.train_dataloader}}
