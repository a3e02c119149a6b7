# COCO's validation images as videos of one frame, resized as videos are. To test only: nothing is trained.
classes = 'coco'
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='ClipResize', scale=(640, 360), keep_ratio=True),
    dict(type='PackClip'),
]
test_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='VideoFrameSampler'),
    dataset=dict(
        type='YouTubeVISDataset',
        data_root='data/coco/',
        ann_file='annotations/instances_val2017.json',
        data_prefix=dict(img='val2017'),
        metainfo=dict(classes=classes),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(type='VISMetric', ann_file='data/coco/annotations/instances_val2017.json')
test_cfg = dict(type='OnlineTestLoop')
