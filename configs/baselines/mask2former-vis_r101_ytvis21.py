"""Mask2Former-VIS, ResNet-101, YouTube-VIS 2021."""

_base_ = './mask2former-vis_r50_ytvis19.py'

model = dict(
    init_cfg=dict(
        checkpoint='https://download.openmmlab.com/mmdetection/v3.0/mask2former/mask2former_r101_8xb2-lsj-50e_coco/'
        'mask2former_r101_8xb2-lsj-50e_coco_20220426_100250-ecf181e2.pth'
    ),
    backbone=dict(depth=101),
    tracker=dict(type='HungarianTracker', max_tracks=400),
)

data_root = 'data/youtube_vis_2021/'
metainfo = dict(classes='youtube_vis_2021')

train_dataloader = dict(dataset=dict(data_root=data_root, ann_file='train/instances.json', metainfo=metainfo))
test_dataloader = dict(dataset=dict(data_root=data_root, ann_file='valid/instances.json', metainfo=metainfo))
test_evaluator = dict(ann_file=data_root + 'valid/instances.json', outfile_prefix='outputs/youtube_vis_2021_valid')

param_scheduler = [dict(type='MultiStepLR', by_epoch=False, begin=0, end=8000, milestones=[5500], gamma=0.1)]
train_cfg = dict(max_iters=8000)
