"""Mask2Former-VIS, Swin-L, YouTube-VIS 2021."""

_base_ = './mask2former-vis_r50_ytvis19.py'

model = dict(
    init_cfg=dict(
        checkpoint='https://download.openmmlab.com/mmdetection/v3.0/mask2former/'
        'mask2former_swin-l-p4-w12-384-in21k_16xb1-lsj-100e_coco-panoptic/'
        'mask2former_swin-l-p4-w12-384-in21k_16xb1-lsj-100e_coco-panoptic_20220407_104949-82f8d28d.pth'
    ),
    backbone=dict(
        _delete_=True,
        type='mmdet.SwinTransformer',
        pretrain_img_size=384,
        embed_dims=192,
        depths=[2, 2, 18, 2],
        num_heads=[6, 12, 24, 48],
        window_size=12,
        drop_path_rate=0.3,
        out_indices=(0, 1, 2, 3),
        convert_weights=True,
    ),
    track_head=dict(in_channels=[192, 384, 768, 1536], num_queries=200),
    tracker=dict(type='HungarianTracker', max_tracks=400),
)

data_root = 'data/youtube_vis_2021/'
metainfo = dict(classes='youtube_vis_2021')

train_dataloader = dict(dataset=dict(data_root=data_root, ann_file='train/instances.json', metainfo=metainfo))
test_dataloader = dict(dataset=dict(data_root=data_root, ann_file='valid/instances.json', metainfo=metainfo))
test_evaluator = dict(ann_file=data_root + 'valid/instances.json', outfile_prefix='outputs/youtube_vis_2021_valid')

param_scheduler = [dict(type='MultiStepLR', by_epoch=False, begin=0, end=8000, milestones=[5500], gamma=0.1)]
train_cfg = dict(max_iters=8000)

# As mmdet's: no decay on the norm layers of Swin and on its position tables. MMEngine applies the longest key in a name
# and nothing else, so each of these layers needs a key that is longer than `backbone`.
_norm = dict(lr_mult=0.1, decay_mult=0.0)
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'backbone.patch_embed.norm': _norm,
            'backbone.norm': _norm,
            'relative_position_bias_table': _norm,
            **{
                f'backbone.stages.{stage}.blocks.{block}.norm': _norm
                for stage, blocks in enumerate((2, 2, 18, 2))
                for block in range(blocks)
            },
            **{f'backbone.stages.{stage}.downsample.norm': _norm for stage in range(3)},
        }
    )
)
