"""MaskTrack R-CNN, ResNet-101, YouTube-VIS 2021."""

_base_ = './masktrack-rcnn_r50_ytvis19.py'

model = dict(
    detector=dict(
        backbone=dict(depth=101),
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/mask_rcnn_r101_fpn_1x_coco/'
            'mask_rcnn_r101_fpn_1x_coco_20200204-1efe0ed5.pth'
        ),
    )
)

data_root = 'data/youtube_vis_2021/'
metainfo = dict(classes='youtube_vis_2021')

train_dataloader = dict(dataset=dict(data_root=data_root, ann_file='train/instances.json', metainfo=metainfo))
test_dataloader = dict(dataset=dict(data_root=data_root, ann_file='valid/instances.json', metainfo=metainfo))
test_evaluator = dict(ann_file=data_root + 'valid/instances.json', outfile_prefix='outputs/youtube_vis_2021_valid')
