"""Mask2Former-VIS, ResNet-50, YouTube-VIS 2021: what differs from 2019 is the data, and 8,000 iterations."""

_base_ = './mask2former-vis_r50_ytvis19.py'

model = dict(tracker=dict(type='HungarianTracker', max_tracks=400))

data_root = 'data/youtube_vis_2021/'
metainfo = dict(classes='youtube_vis_2021')

train_dataloader = dict(dataset=dict(data_root=data_root, ann_file='train/instances.json', metainfo=metainfo))
test_dataloader = dict(dataset=dict(data_root=data_root, ann_file='valid/instances.json', metainfo=metainfo))
test_evaluator = dict(ann_file=data_root + 'valid/instances.json', outfile_prefix='outputs/youtube_vis_2021_valid')

param_scheduler = [dict(type='MultiStepLR', by_epoch=False, begin=0, end=8000, milestones=[5500], gamma=0.1)]
train_cfg = dict(max_iters=8000)
