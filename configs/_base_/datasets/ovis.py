# OVIS, occluded video instance segmentation, as published.
_base_ = './youtube_vis_2019.py'

data_root = 'data/ovis/'
metainfo = dict(classes='ovis')

train_dataloader = dict(
    dataset=dict(
        data_root=data_root, ann_file='annotations_train.json', data_prefix=dict(img='train'), metainfo=metainfo
    )
)
test_dataloader = dict(
    dataset=dict(
        data_root=data_root, ann_file='annotations_valid.json', data_prefix=dict(img='valid'), metainfo=metainfo
    )
)
test_evaluator = dict(ann_file=data_root + 'annotations_valid.json', outfile_prefix='outputs/ovis_valid')
