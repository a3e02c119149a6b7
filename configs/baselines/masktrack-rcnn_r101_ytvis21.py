"""MaskTrack R-CNN, ResNet-101, YouTube-VIS 2021."""

_base_ = './masktrack-rcnn_r101_ytvis19.py'

data_root = 'data/youtube_vis_2021/'
metainfo = dict(classes='youtube_vis_2021')

train_dataloader = dict(dataset=dict(data_root=data_root, ann_file='train/instances.json', metainfo=metainfo))
test_dataloader = dict(dataset=dict(data_root=data_root, ann_file='valid/instances.json', metainfo=metainfo))
test_evaluator = dict(ann_file=data_root + 'valid/instances.json', outfile_prefix='outputs/youtube_vis_2021_valid')
