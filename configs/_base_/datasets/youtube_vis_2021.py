# YouTube-VIS 2021, as published: what differs from youtube_vis_2019.py. A config of the 2019 family takes it so:
#   _base_ = ['./rcf_r50_ytvis19.py', '../_base_/datasets/youtube_vis_2021.py']
#   train_dataloader = {{_base_.youtube_vis_2021.train_dataloader}}
_root = 'data/youtube_vis_2021/'
_classes = dict(classes='youtube_vis_2021')

youtube_vis_2021 = dict(
    train_dataloader=dict(dataset=dict(data_root=_root, ann_file='train/instances.json', metainfo=_classes)),
    test_dataloader=dict(dataset=dict(data_root=_root, ann_file='valid/instances.json', metainfo=_classes)),
    test_evaluator=dict(ann_file=_root + 'valid/instances.json', outfile_prefix='outputs/youtube_vis_2021_valid'),
)
