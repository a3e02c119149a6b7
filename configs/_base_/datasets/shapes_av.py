# The synthetic benchmark with audio (16 kHz mono): what differs from shapes.py. Made by
#   python tools/misc/make_shapes.py --variant shapes_av --out data/shapes_av
# A config of the shapes family takes it so:
#   _base_ = ['./rcf_r18_shapes.py', '../_base_/datasets/shapes_av.py']
#   train_dataloader = {{_base_.shapes_av.train_dataloader}}
# and so on for val_dataloader, val_evaluator, test_dataloader and test_evaluator.
_root = 'data/shapes_av/'
_classes = dict(classes='shapes_av')

# Audio comes after the frames: so the random draws for the frames are the same with and without it.
_train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipAnnotations'),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='LoadClipAudio'),
    # The model learns to do without audio, which videos may lack and streams may lose.
    dict(type='RandomAudioDrop', prob=0.2),
    dict(type='AudioPatches'),
    dict(type='PackClip'),
]
_test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='ClipResize', scale=(288, 160), keep_ratio=True),
    dict(type='LoadClipAudio'),
    dict(type='AudioPatches'),
    dict(type='PackClip'),
]
_train = dict(
    type='AVISDataset',
    data_root=_root,
    data_prefix=dict(img='train/JPEGImages', audio='train/WAVAudios'),
    metainfo=_classes,
    pipeline=_train_pipeline,
)
_val = dict(
    type='AVISDataset',
    data_root=_root,
    data_prefix=dict(img='val/JPEGImages', audio='val/WAVAudios'),
    metainfo=_classes,
    pipeline=_test_pipeline,
)
_test = dict(
    type='AVISDataset',
    data_root=_root,
    data_prefix=dict(img='test/JPEGImages', audio='test/WAVAudios'),
    metainfo=_classes,
    pipeline=_test_pipeline,
)

shapes_av = dict(
    train_dataloader=dict(dataset=_train),
    val_dataloader=dict(dataset=_val),
    val_evaluator=[
        dict(type='VISMetric', ann_file=_root + 'val/instances.json'),
        dict(type='OrderMetric', ann_file=_root + 'val/instances.json'),
        dict(type='LookAlikeMetric', ann_file=_root + 'val/instances.json'),
    ],
    test_dataloader=dict(dataset=_test),
    test_evaluator=[
        dict(type='VISMetric', ann_file=_root + 'test/instances.json'),
        dict(type='OrderMetric', ann_file=_root + 'test/instances.json'),
        dict(type='LookAlikeMetric', ann_file=_root + 'test/instances.json'),
    ],
)
