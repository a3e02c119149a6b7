# The synthetic benchmark with audio (16 kHz mono), of which the frames are as in shapes.py. Made by
#   python tools/misc/make_shapes.py --variant shapes_av --out data/shapes_av
dataset_type = 'AVISDataset'
data_root = 'data/shapes_av/'
metainfo = dict(classes='shapes_av')
data_commands = {
    data_root + split + '/instances.json': 'python tools/misc/make_shapes.py --variant shapes_av --out data/shapes_av'
    for split in ('train', 'val', 'test')
}

# Audio comes after the frames: so the random draws for the frames are the same with and without it.
train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='LoadClipAudio'),
    # The model is trained for missing audio, which videos may lack and streams may lose.
    dict(type='RandomAudioDrop', prob=0.2),
    dict(type='AudioPatches'),
    dict(type='PackClip'),
]
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='ClipResize', scale=(288, 160), keep_ratio=True),
    dict(type='LoadClipAudio'),
    dict(type='AudioPatches'),
    dict(type='PackClip'),
]

# Clips as rcf_r18_shapes.py trains on: four targets, up to three frames apart.
train_dataloader = dict(
    batch_size=2,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='ClipSampler'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='train/instances.json',
        data_prefix=dict(img='train/JPEGImages', audio='train/WAVAudios'),
        metainfo=metainfo,
        num_references=1,
        num_targets=4,
        max_gap=3,
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
        data_prefix=dict(img='val/JPEGImages', audio='val/WAVAudios'),
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
        data_prefix=dict(img='test/JPEGImages', audio='test/WAVAudios'),
        metainfo=metainfo,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)

val_evaluator = [
    dict(type='VISMetric', ann_file=data_root + 'val/instances.json'),
    dict(type='OrderMetric', ann_file=data_root + 'val/instances.json'),
    dict(type='LookAlikeMetric', ann_file=data_root + 'val/instances.json'),
]
test_evaluator = [
    dict(type='VISMetric', ann_file=data_root + 'test/instances.json'),
    dict(type='OrderMetric', ann_file=data_root + 'test/instances.json'),
    dict(type='LookAlikeMetric', ann_file=data_root + 'test/instances.json'),
]
