"""RCF, ResNet-101, YouTube-VIS 2019: the paper's main model (Table I) and the reference of this family of configs.

Everything but the data (``_base_/datasets/youtube_vis_2019.py``) and the logging is here; a sibling shows what
differs. Training is the paper's: 60k iterations, batch 16, AdamW at 6e-4, weight decay 1e-4, poly 0.9, backbone at a
tenth of the rate (Section IV-A). Ours, where the paper is silent: 60k iterations in each of the two stages, 1,000
iterations of linear warm-up, gradients clipped at norm 1. The first stage is ``rcf_r101_coco-ytvis19.py``; this one
starts from its checkpoint.
"""

_base_ = ['../_base_/datasets/youtube_vis_2019.py', '../_base_/default_runtime.py']

num_classes = 40
num_references = 1
embed_dims = 256
max_iters = 60000
load_from = 'work_dirs/rcf_r101_coco-ytvis19/iter_60000.pth'

model = dict(
    type='RCF',
    data_preprocessor=dict(
        type='RCFDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type='mmdet.ResNet',
        depth=101,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        frozen_stages=-1,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/resnet101-63fe2227.pth'),
    ),
    neck=dict(
        type='RobustContextFusion',
        in_channels=2048,
        num_references=num_references,
        embed_dims=embed_dims,
        grid_size=2,
        use_weight=True,
        compression='pool',
        encoder=dict(num_layers=6, num_heads=8, feedforward_dims=2048, dropout=0.0),
    ),
    mask_decoder=dict(
        type='FPNMaskDecoder', in_channels=[256, 512, 1024], token_dims=embed_dims, embed_dims=256, out_channels=256
    ),
    head=dict(
        type='InstanceQueryHead',
        num_classes=num_classes,
        num_queries=10,
        embed_dims=embed_dims,
        mask_dims=256,
        decoder=dict(num_layers=6, num_heads=8, feedforward_dims=2048, dropout=0.0),
        match_costs=[
            dict(type='mmdet.ClassificationCost', weight=1.0),
            dict(type='mmdet.DiceCost', weight=1.0, pred_act=True, naive_dice=True, eps=1.0),
        ],
        loss_cls=dict(
            type='mmdet.CrossEntropyLoss', use_sigmoid=False, class_weight=[1.0] * num_classes + [0.1], loss_weight=1.0
        ),
        loss_dice=dict(type='mmdet.DiceLoss', naive_dice=True, eps=1.0, loss_weight=1.0),
        loss_mask=None,
        auxiliary_loss=True,
        order_supervision=False,
    ),
    tracker=dict(type='MatchingFreeTracker', iou_threshold=0.5),
    score_thr=0.4,
    mask_thr=0.5,
)

train_dataloader = dict(dataset=dict(num_references=num_references))

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=6e-4, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)}),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=1000),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=1000, end=max_iters),
]
auto_scale_lr = dict(enable=False, base_batch_size=16)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters)
# The labels of the validation split are not public; data/README.md shows how to hold out a part of train.
val_cfg = None
test_cfg = dict(type='OnlineTestLoop')
