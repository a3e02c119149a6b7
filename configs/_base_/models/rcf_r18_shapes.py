# RCF for the synthetic shapes benchmark, made for two CPU cores.
#
# A narrow ResNet-18 without its last stage (tokens at stride 16: objects are small here), three encoder and three
# decoder layers. Mask cross-entropy joins the Dice loss, which the paper has alone. Order supervision over several
# targets: objects here cross the position of a query within a few frames.
#
# The empty class weighs 0.4, not 0.1: of ten queries about seven are empty, so both sides of the class loss weigh
# alike, as they do with 0.1 and the hundred queries of MaskFormer.
#
# Track IDs follow the paper's rules with a lower overlap (`iou_threshold`; at 6 frames a second objects move far), and
# three options that the paper does not have: a query that overlaps a better-scored one by more than 0.6 is not shown
# (`duplicate_iou`), an object that comes into sight takes the track ID of its class that was last seen nearest
# (`return_by_class`), and needs a higher score than an object that is tracked already (`start_score`). All four were
# chosen on the validation split.
num_classes = 8
num_references = 1
embed_dims = 128

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
        base_channels=24,
        stem_channels=24,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(0, 1, 2),
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        style='pytorch',
    ),
    neck=dict(
        type='RobustContextFusion',
        in_channels=96,
        num_references=num_references,
        embed_dims=embed_dims,
        grid_size=2,
        encoder=dict(num_layers=3, num_heads=8, feedforward_dims=256),
    ),
    mask_decoder=dict(
        type='FPNMaskDecoder', in_channels=[24, 48], token_dims=embed_dims, embed_dims=32, out_channels=32
    ),
    head=dict(
        type='InstanceQueryHead',
        num_classes=num_classes,
        num_queries=10,
        embed_dims=embed_dims,
        mask_dims=32,
        decoder=dict(num_layers=3, num_heads=8, feedforward_dims=256),
        match_costs=[
            dict(type='mmdet.ClassificationCost', weight=1.0),
            dict(type='mmdet.DiceCost', weight=2.0, pred_act=True, naive_dice=True, eps=1.0),
            dict(type='mmdet.CrossEntropyLossCost', weight=2.0, use_sigmoid=True),
        ],
        loss_cls=dict(
            type='mmdet.CrossEntropyLoss', use_sigmoid=False, class_weight=[1.0] * num_classes + [0.4], loss_weight=1.0
        ),
        loss_dice=dict(type='mmdet.DiceLoss', naive_dice=True, eps=1.0, loss_weight=2.0),
        loss_mask=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True, loss_weight=2.0),
        order_supervision=True,
    ),
    tracker=dict(
        type='MatchingFreeTracker', iou_threshold=0.4, duplicate_iou=0.6, return_by_class=True, start_score=0.8
    ),
)
