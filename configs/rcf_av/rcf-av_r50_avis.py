"""RCF with audio, ResNet-50, AVIS: the paper's audio-visual model (Tables IX and XI) and the reference of this family.

Everything but the data (``_base_/datasets/avis.py``) and the logging is here; a sibling shows what differs. Three
reference frames, the best of Table X. Ours, where the paper is silent: training is that of the video models (60k
iterations, batch 16) in a single stage, from ImageNet weights and those of the public VGGish, which is trained too; and
a fifth of the clips lose their audio, so that the model works without.
"""

_base_ = ['../_base_/datasets/avis.py', '../_base_/default_runtime.py']

num_classes = 20
num_references = 3
embed_dims = 256
max_iters = 60000

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

train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=20000)
val_cfg = dict(type='OnlineValLoop')
test_cfg = dict(type='OnlineTestLoop')
