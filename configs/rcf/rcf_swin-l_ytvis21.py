"""RCF, Swin-L, YouTube-VIS 2021."""

_base_ = ['./rcf_swin-l_ytvis19.py', '../_base_/datasets/youtube_vis_2021.py']

load_from = 'work_dirs/rcf_swin-l_coco-ytvis21/iter_60000.pth'
train_dataloader = {{_base_.youtube_vis_2021.train_dataloader}}
test_dataloader = {{_base_.youtube_vis_2021.test_dataloader}}
test_evaluator = {{_base_.youtube_vis_2021.test_evaluator}}
