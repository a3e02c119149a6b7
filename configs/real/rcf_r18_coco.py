"""The first stage of ``rcf_r18_coco-davis.py``: finds people, animals and vehicles in small windows of still images.

ResNet-18 with ImageNet weights, of which the first two stages stay as they are: 1,600 images would teach them little
and forget much. Tokens are its third stage, stride 16, for the small objects of ordinary clips
(``ablations/rcf_r18_coco_c5.py`` has them from the fourth). Tokens are 128 wide; the encoder has three layers, the
decoder two.

What is here for little data and little time, and not in the paper: 108 queries with places on a grid, matched with the
objects nearby (``anchored_queries``, ``PlaceCost``), that start from what the tokens around them say
(``local_content``); where things are is a part of tokens and segmentation map (``located_content``,
``position_dims``); a dense class loss on the segmentation map (``semantic_weight``); objects of other images pasted in
(``VideoCopyPaste``); scores that count how sure a mask is (``score_masks``). Mask cross-entropy joins the Dice loss,
and the empty class weighs 0.2.

Batches are for two processes with one thread each, which are faster than one with two.
"""

_base_ = ['../_base_/datasets/people_animals_vehicles.py', '../_base_/default_runtime.py']

num_classes = 3
embed_dims = 128
mask_dims = 64
max_iters = 2000
rate_end = 6500  # the next stage goes on where the learning rate is still high

_layers = dict(num_layers=3, num_heads=8, feedforward_dims=512)
model = dict(
    type='RCF',
    data_preprocessor=dict(
        type='RCFDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=16,
    ),
    backbone=dict(
        type='mmdet.ResNet',
        depth=18,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(0, 1, 2),
        frozen_stages=2,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/resnet18-f37072fd.pth'),
    ),
    neck=dict(type='SingleFrame', in_channels=256, embed_dims=embed_dims, encoder=_layers, located_content=True),
    mask_decoder=dict(
        type='FPNMaskDecoder',
        in_channels=[64, 128],
        token_dims=embed_dims,
        embed_dims=mask_dims,
        out_channels=mask_dims,
        position_dims=32,
    ),
    head=dict(
        type='InstanceQueryHead',
        num_classes=num_classes,
        num_queries=108,
        embed_dims=embed_dims,
        mask_dims=mask_dims,
        decoder=dict(_layers, num_layers=2),
        match_costs=[
            dict(type='mmdet.ClassificationCost', weight=1.0),
            dict(type='mmdet.DiceCost', weight=1.0, pred_act=True, naive_dice=True, eps=1.0),
            dict(type='PlaceCost', weight=10.0),
        ],
        loss_cls=dict(
            type='mmdet.CrossEntropyLoss', use_sigmoid=False, class_weight=[1.0] * num_classes + [0.2], loss_weight=2.0
        ),
        loss_dice=dict(type='mmdet.DiceLoss', naive_dice=True, eps=1.0, loss_weight=2.0),
        loss_mask=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True, loss_weight=2.0),
        anchored_queries=True,
        local_content=True,
        semantic_weight=2.0,
    ),
    # An object moves from query to query and masks flicker: the rules are looser than the paper's.
    tracker=dict(type='MatchingFreeTracker', iou_threshold=0.3, duplicate_iou=0.6, return_by_class=True),
    score_thr=0.3,
    score_masks=True,
)

train_dataloader = {{_base_.coco_stills_small.train_dataloader}}
test_sets = {{_base_.test_sets_small}}
val_dataloader = {{_base_.test_sets_small.images.dataloader}}
val_evaluator = {{_base_.test_sets_small.images.evaluator}}
test_dataloader = {{_base_.test_sets_small.sequences.dataloader}}
test_evaluator = {{_base_.test_sets_small.sequences.evaluator}}

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=8e-4, weight_decay=2e-2, fused=True),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.2)}),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=200),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=200, end=rate_end),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=1000)
val_cfg = dict(type='OnlineValLoop')
test_cfg = dict(type='OnlineTestLoop')
default_hooks = dict(checkpoint=dict(interval=250))
randomness = dict(seed=0)
