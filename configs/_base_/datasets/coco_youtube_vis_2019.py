# The paper's first stage: YouTube-VIS 2019 together with the COCO images that show its classes, as moving pseudo-clips.
_base_ = './youtube_vis_2019.py'

data_root = 'data/youtube_vis_2019/'
metainfo = dict(classes='youtube_vis_2019')

load = [dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations')]
augment = [
    dict(
        type='RandomClipResize',
        scales=[(768, 288), (768, 320), (768, 352), (768, 360), (768, 384), (768, 416)],
    ),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='PackClip'),
]

train_dataloader = dict(
    # As many clips from the one as from the other, whatever their sizes.
    sampler=dict(type='JointSampler', weights=[1.0, 1.0]),
    dataset=dict(
        _delete_=True,
        type='JointDataset',
        num_references=1,
        num_targets=1,
        datasets=[
            dict(
                type='YouTubeVISDataset',
                data_root=data_root,
                ann_file='train.json',
                data_prefix=dict(img='train/JPEGImages'),
                metainfo=metainfo,
                max_gap=1,
                pipeline=[*load, *augment],
            ),
            dict(
                type='COCOPseudoVideoDataset',
                data_root='data/coco/',
                ann_file='annotations/instances_train2017.json',
                data_prefix=dict(img='train2017'),
                metainfo=metainfo,
                class_map='youtube_vis_2019',
                # The model has ten queries; an image with more objects would teach it that some are background.
                max_objects=10,
                pipeline=[
                    *load,
                    dict(type='ClipMotion', translate=0.15, rotate=10.0, scale=1.2),
                    *augment,
                ],
            ),
        ],
    ),
)
