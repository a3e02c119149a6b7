# YouTube-VIS 2022, as published: train is that of 2021, with its classes; valid has more and longer videos.
_base_ = './youtube_vis_2019.py'

data_root = 'data/youtube_vis_2022/'
metainfo = dict(classes='youtube_vis_2021')

train_dataloader = dict(dataset=dict(data_root=data_root, ann_file='train/instances.json', metainfo=metainfo))
test_dataloader = dict(dataset=dict(data_root=data_root, ann_file='valid/instances.json', metainfo=metainfo))
test_evaluator = dict(ann_file=data_root + 'valid/instances.json', outfile_prefix='outputs/youtube_vis_2022_valid')
