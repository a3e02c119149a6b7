"""MaskTrack R-CNN, ResNet-50, YouTube-VIS 2019: mmdet's network and settings on our data, metric and benchmark.

Needs the compiled operators of mmcv (``make baselines``). Differs from mmdet's config in the data alone: clips are
drawn by video, frames are resized at random around 360, and the other frame of a pair always comes before. 12 epochs of
mmdet, each with every frame once, are 92,000 iterations of 8 clips.
"""

_base_ = ['../_base_/datasets/youtube_vis_2019.py', '../_base_/default_runtime.py']

num_classes = 40
max_iters = 92000

_box_coder = dict(type='mmdet.DeltaXYWHBBoxCoder', target_means=[0.0, 0.0, 0.0, 0.0])
_roi_extractor = dict(type='mmdet.SingleRoIExtractor', out_channels=256, featmap_strides=[4, 8, 16, 32])
_proposals = dict(nms_pre=200, max_per_img=200, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0)
_sampler = dict(type='mmdet.RandomSampler', pos_fraction=0.25, neg_pos_ub=-1, add_gt_as_proposals=True)
_assigner = dict(
    type='mmdet.MaxIoUAssigner',
    pos_iou_thr=0.5,
    neg_iou_thr=0.5,
    min_pos_iou=0.5,
    match_low_quality=True,
    ignore_iof_thr=-1,
)

model = dict(
    type='OnlineMaskTrackRCNN',
    data_preprocessor=dict(
        type='RCFDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    detector=dict(
        type='mmdet.MaskRCNN',
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/mask_rcnn_r50_fpn_1x_coco/'
            'mask_rcnn_r50_fpn_1x_coco_20200205-d4b0c5d6.pth',
        ),
        backbone=dict(
            type='mmdet.ResNet',
            depth=50,
            num_stages=4,
            out_indices=(0, 1, 2, 3),
            frozen_stages=1,
            norm_cfg=dict(type='BN', requires_grad=True),
            norm_eval=True,
            style='pytorch',
        ),
        neck=dict(type='mmdet.FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=5),
        rpn_head=dict(
            type='mmdet.RPNHead',
            in_channels=256,
            feat_channels=256,
            anchor_generator=dict(
                type='mmdet.AnchorGenerator', scales=[8], ratios=[0.5, 1.0, 2.0], strides=[4, 8, 16, 32, 64]
            ),
            bbox_coder=dict(target_stds=[1.0, 1.0, 1.0, 1.0], **_box_coder),
            loss_cls=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True, loss_weight=1.0),
            loss_bbox=dict(type='mmdet.L1Loss', loss_weight=1.0),
        ),
        roi_head=dict(
            type='mmdet.StandardRoIHead',
            bbox_roi_extractor=dict(roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0), **_roi_extractor),
            bbox_head=dict(
                type='mmdet.Shared2FCBBoxHead',
                in_channels=256,
                fc_out_channels=1024,
                roi_feat_size=7,
                num_classes=num_classes,
                bbox_coder=dict(target_stds=[0.1, 0.1, 0.2, 0.2], **_box_coder),
                reg_class_agnostic=False,
                loss_cls=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
                loss_bbox=dict(type='mmdet.L1Loss', loss_weight=1.0),
            ),
            mask_roi_extractor=dict(
                roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=0), **_roi_extractor
            ),
            mask_head=dict(
                type='mmdet.FCNMaskHead',
                num_convs=4,
                in_channels=256,
                conv_out_channels=256,
                num_classes=num_classes,
                loss_mask=dict(type='mmdet.CrossEntropyLoss', use_mask=True, loss_weight=1.0),
            ),
        ),
        train_cfg=dict(
            rpn=dict(
                assigner=dict(
                    type='mmdet.MaxIoUAssigner',
                    pos_iou_thr=0.7,
                    neg_iou_thr=0.3,
                    min_pos_iou=0.3,
                    match_low_quality=True,
                    ignore_iof_thr=-1,
                ),
                sampler=dict(
                    type='mmdet.RandomSampler', num=64, pos_fraction=0.5, neg_pos_ub=-1, add_gt_as_proposals=False
                ),
                allowed_border=-1,
                pos_weight=-1,
                debug=False,
            ),
            rpn_proposal=_proposals,
            rcnn=dict(assigner=_assigner, sampler=dict(num=128, **_sampler), mask_size=28, pos_weight=-1, debug=False),
        ),
        test_cfg=dict(
            rpn=_proposals,
            rcnn=dict(score_thr=0.01, nms=dict(type='nms', iou_threshold=0.5), max_per_img=100, mask_thr_binary=0.5),
        ),
    ),
    track_head=dict(
        type='mmdet.RoITrackHead',
        roi_extractor=dict(roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0), **_roi_extractor),
        embed_head=dict(type='mmdet.RoIEmbedHead', num_fcs=2, roi_feat_size=7, in_channels=256, fc_out_channels=1024),
        train_cfg=dict(assigner=_assigner, sampler=dict(num=128, **_sampler), pos_weight=-1, debug=False),
    ),
    tracker=dict(
        type='mmdet.MaskTrackRCNNTracker',
        match_weights=dict(det_score=1.0, iou=2.0, det_label=10.0),
        num_frames_retain=20,
    ),
)

# Pairs of different frames of a video, at any distance; 8 GPUs with one pair each.
train_dataloader = dict(batch_size=1, dataset=dict(num_references=0, num_targets=2, max_gap=100))

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.00125, momentum=0.9, weight_decay=0.0001),
    clip_grad=dict(max_norm=35, norm_type=2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1.0 / 3.0, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', by_epoch=False, begin=0, end=max_iters, milestones=[61000, 84000], gamma=0.1),
]
auto_scale_lr = dict(enable=False, base_batch_size=8)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters)
test_cfg = dict(type='OnlineTestLoop')
