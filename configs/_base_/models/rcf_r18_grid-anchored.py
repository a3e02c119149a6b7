# A small RCF for natural images: ResNet-18 without its last stage, tokens at stride 16, 128 wide, three encoder layers.
#
# The number of images is small, so the following options are on, none of which is in the paper:
# - `query_grid`, `CenterDistanceCost`: queries have anchors on a grid over the image and match objects nearby;
# - `local_content`: a query starts from the tokens around its anchor;
# - `mask_pooling`: before each decoder layer, a query is given the segmentation map under its mask;
# - `add_position_to_content`, `position_channels`: positions are a part of tokens and segmentation map;
# - `semantic_weight`: a dense class loss;
# - `score_masks`: scores include the quality of the mask.
num_classes = 3
embed_dims = 128
mask_dims = 64

encoder = dict(num_layers=3, num_heads=8, feedforward_dims=512)
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
    ),
    # One frame, no context: for stages on still images.
    neck=dict(
        type='SingleFrame', in_channels=256, embed_dims=embed_dims, encoder=encoder, add_position_to_content=True
    ),
    mask_decoder=dict(
        type='FPNMaskDecoder',
        in_channels=[64, 128],
        token_dims=embed_dims,
        embed_dims=mask_dims,
        out_channels=mask_dims,
        position_channels=32,
    ),
    head=dict(
        type='InstanceQueryHead',
        num_classes=num_classes,
        num_queries=192,
        embed_dims=embed_dims,
        mask_dims=mask_dims,
        decoder=dict(num_layers=3, num_heads=8, feedforward_dims=512),
        match_costs=[
            dict(type='mmdet.ClassificationCost', weight=1.0),
            dict(type='mmdet.DiceCost', weight=1.0, pred_act=True, naive_dice=True, eps=1.0),
            dict(type='CenterDistanceCost', weight=10.0),
        ],
        loss_cls=dict(
            type='mmdet.CrossEntropyLoss', use_sigmoid=False, class_weight=[1.0] * num_classes + [0.2], loss_weight=2.0
        ),
        loss_dice=dict(type='mmdet.DiceLoss', naive_dice=True, eps=1.0, loss_weight=2.0),
        loss_mask=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True, loss_weight=2.0),
        query_grid=True,
        local_content=True,
        mask_pooling=True,
        semantic_weight=2.0,
    ),
    # An object moves from query to query and masks flicker: the rules are looser than the paper's.
    tracker=dict(type='MatchingFreeTracker', iou_threshold=0.3, duplicate_iou=0.6, return_by_class=True),
    score_thr=0.3,
    score_masks=True,
)
