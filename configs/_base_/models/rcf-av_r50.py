# The audio-visual model of the paper: RCF with audio, ResNet-50, three reference frames (the best of Table X), the 20
# classes of AVIS. It is written out, since the ablations of this family inherit from a config that has it as its base.
num_classes = 20
num_references = 3
embed_dims = 256

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
        depth=50,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        frozen_stages=-1,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/resnet50-0676ba61.pth'),
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
    audio_encoder=dict(
        type='VGGishLSTM',
        num_references=num_references,
        embed_dims=embed_dims,
        lstm_dims=512,
        lstm_layers=2,
        bidirectional=True,
        frozen=False,
        # The public PyTorch weights; a downloaded file does as well.
        vggish=dict(
            init_cfg=dict(
                type='Pretrained',
                checkpoint='https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth',
            )
        ),
    ),
    tracker=dict(type='MatchingFreeTracker', iou_threshold=0.5),
    score_thr=0.4,
    mask_thr=0.5,
)
