# YouTube-VIS 2019, as published: the official JSON is read directly. data/README.md shows the folders.
dataset_type = 'YouTubeVISDataset'
data_root = 'data/youtube_vis_2019/'
metainfo = dict(classes='youtube_vis_2019')

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    # Multi-scale: the shorter side is one of these, around the 360 of testing; the longer side ends at 768.
    dict(
        type='RandomClipResize',
        scales=[(768, 288), (768, 320), (768, 352), (768, 360), (768, 384), (768, 416)],
    ),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='PackClip'),
]
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='ClipResize', scale=(640, 360), keep_ratio=True),
    dict(type='PackClip'),
]

# The paper's batch of 16 clips: 8 GPUs with 2 each.
train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='ClipSampler'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='train.json',
        data_prefix=dict(img='train/JPEGImages'),
        metainfo=metainfo,
        num_references=1,
        num_targets=1,
        max_gap=1,
        pipeline=train_pipeline,
    ),
)

# The annotations of the valid split are not public. Testing writes the submission for the server, and there is nothing
# to validate on in training; data/README.md shows how to hold out a part of train.
val_dataloader = None
val_evaluator = None
val_cfg = None
test_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='VideoFrameSampler'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='valid.json',
        data_prefix=dict(img='valid/JPEGImages'),
        metainfo=metainfo,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(
    type='VISMetric',
    ann_file=data_root + 'valid.json',
    format_only=True,
    outfile_prefix='outputs/youtube_vis_2019_valid',
)
