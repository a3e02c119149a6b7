"""MaskTrack R-CNN, ResNet-50, AVIS: the videos without their audio, in the 20 classes of the annotation file.

Ours: half of the iterations of YouTube-VIS 2019, which has about twice as many videos.
"""

_base_ = './masktrack-rcnn_r50_ytvis19.py'

num_classes = 20
max_iters = 46000
data_root = 'data/avis/'

model = dict(
    detector=dict(roi_head=dict(bbox_head=dict(num_classes=num_classes), mask_head=dict(num_classes=num_classes)))
)

train_dataloader = dict(dataset=dict(data_root=data_root, ann_file='train/instances.json', metainfo=None))
test_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='val/instances.json',
        data_prefix=dict(img='val/JPEGImages'),
        metainfo=None,
    )
)
val_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='VideoFrameSampler'),
    dataset=dict(
        type='YouTubeVISDataset',
        data_root=data_root,
        ann_file='val/instances.json',
        data_prefix=dict(img='val/JPEGImages'),
        test_mode=True,
        pipeline={{_base_.test_pipeline}},
    ),
)
val_evaluator = [
    dict(type='VISMetric', ann_file=data_root + 'val/instances.json'),
    dict(type='OrderMetric', ann_file=data_root + 'val/instances.json'),
]
test_evaluator = val_evaluator
val_cfg = dict(_delete_=True, type='OnlineValLoop')

param_scheduler = [
    dict(type='LinearLR', start_factor=1.0 / 3.0, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', by_epoch=False, begin=0, end=max_iters, milestones=[30500, 42000], gamma=0.1),
]
train_cfg = dict(max_iters=max_iters, val_interval=23000)
