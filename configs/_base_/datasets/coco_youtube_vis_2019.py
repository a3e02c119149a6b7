# The paper's first stage: YouTube-VIS 2019 together with the COCO images that show its classes, as moving pseudo-clips.
# A config of the 2019 family takes it so:
#   _base_ = ['./rcf_r50_ytvis19.py', '../_base_/datasets/coco_youtube_vis_2019.py']
#   train_dataloader = {{_base_.coco_youtube_vis_2019.train_dataloader}}
_coco_classes = dict(classes='youtube_vis_2019')
_coco_scales = [(768, 288), (768, 320), (768, 352), (768, 360), (768, 384), (768, 416)]
_coco_load = [dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations')]
_coco_augment = [
    dict(type='RandomClipResize', scales=_coco_scales),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='PackClip'),
]

coco_youtube_vis_2019 = dict(
    train_dataloader=dict(
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
                    data_root='data/youtube_vis_2019/',
                    ann_file='train.json',
                    data_prefix=dict(img='train/JPEGImages'),
                    metainfo=_coco_classes,
                    max_gap=1,
                    pipeline=[*_coco_load, *_coco_augment],
                ),
                dict(
                    type='COCOPseudoVideoDataset',
                    data_root='data/coco/',
                    ann_file='annotations/instances_train2017.json',
                    data_prefix=dict(img='train2017'),
                    metainfo=_coco_classes,
                    class_map='youtube_vis_2019',
                    # The model has ten slots; an image with more objects would teach it that some are background.
                    max_objects=10,
                    pipeline=[
                        *_coco_load,
                        dict(type='ClipMotion', translate=0.15, rotate=10.0, scale=1.2),
                        *_coco_augment,
                    ],
                ),
            ],
        ),
    )
)
