# The synthetic benchmark: 160x288 frames, 24 a video, 6 FPS. Made by tools/misc/make_shapes.py.
dataset_type = 'YouTubeVISDataset'
data_root = 'data/shapes/'
metainfo = dict(classes='shapes')
data_commands = {
    data_root + split + '/instances.json': 'python tools/misc/make_shapes.py --out data/shapes'
    for split in ('train', 'val', 'test')
}

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='PackClip'),
]
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='ClipResize', scale=(288, 160), keep_ratio=True),
    dict(type='PackClip'),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='ClipSampler'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='train/instances.json',
        data_prefix=dict(img='train/JPEGImages'),
        metainfo=metainfo,
        num_references=1,
        num_targets=1,
        max_gap=1,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='VideoFrameSampler'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='val/instances.json',
        data_prefix=dict(img='val/JPEGImages'),
        metainfo=metainfo,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='VideoFrameSampler'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='test/instances.json',
        data_prefix=dict(img='test/JPEGImages'),
        metainfo=metainfo,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)

val_evaluator = [
    dict(type='VISMetric', ann_file=data_root + 'val/instances.json'),
    dict(type='OrderMetric', ann_file=data_root + 'val/instances.json'),
]
test_evaluator = [
    dict(type='VISMetric', ann_file=data_root + 'test/instances.json'),
    dict(type='OrderMetric', ann_file=data_root + 'test/instances.json'),
]
