# AVIS: YouTube-VIS layout, and an audio file for each video. data/README.md shows the folders.
dataset_type = 'AVISDataset'
data_root = 'data/avis/'
# The rate of YouTube-VIS, for a file whose videos have neither timestamps nor fps of their own.
fps = 6.0

# Audio comes after the frames: so the random draws for the frames are the same with and without it.
train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    # Multi-scale: the shorter side is one of these, around the 360 of testing; the longer side ends at 768.
    dict(
        type='RandomClipResize',
        scales=[(768, 288), (768, 320), (768, 352), (768, 360), (768, 384), (768, 416)],
    ),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='LoadClipAudio'),
    # The model is trained for missing audio, which videos may lack and streams may lose.
    dict(type='RandomAudioDrop', prob=0.2),
    dict(type='AudioPatches'),
    dict(type='PackClip'),
]
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='ClipResize', scale=(640, 360), keep_ratio=True),
    dict(type='LoadClipAudio'),
    dict(type='AudioPatches'),
    dict(type='PackClip'),
]

# The paper's batch of 16 clips: 8 GPUs with 2 each; three reference frames are the best of Table X. The classes are
# those of the annotation file.
train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='ClipSampler'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='train/instances.json',
        data_prefix=dict(img='train/JPEGImages', audio='train/WAVAudios'),
        fps=fps,
        num_references=3,
        num_targets=1,
        max_gap=1,
        pipeline=train_pipeline,
    ),
)
# The set has two splits; the paper measures on the validation split.
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='VideoFrameSampler'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='val/instances.json',
        data_prefix=dict(img='val/JPEGImages', audio='val/WAVAudios'),
        fps=fps,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='VISMetric', ann_file=data_root + 'val/instances.json'),
    dict(type='OrderMetric', ann_file=data_root + 'val/instances.json'),
]
test_evaluator = val_evaluator
val_cfg = dict(type='OnlineValLoop')
