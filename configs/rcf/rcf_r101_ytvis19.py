"""RCF, ResNet-101, YouTube-VIS 2019: the paper's main model (Table I) and the reference of this family of configs.

The model and the schedule can be read whole in the first and third base; a sibling names the bases that differ, an
ablation shows its difference from this config. Values are the paper's; the bases mark those that are ours, where the
paper is silent. The first stage is ``rcf_r101_coco-ytvis19.py``, which is trained first if it is missing.
"""

_base_ = [
    '../_base_/models/rcf_r101.py',
    '../_base_/datasets/youtube_vis_2019.py',
    '../_base_/schedules/adamw_60k.py',
    '../_base_/default_runtime.py',
]

# An ablation has a first stage of its own, with the network, the losses and the clips of its row.
previous_stage = dict(
    config='configs/rcf/rcf_r101_coco-ytvis19.py',
    same_fields=[
        'model.backbone',
        'model.neck',
        'model.mask_decoder',
        'model.head',
        'train_dataloader.dataset.num_references',
        'train_dataloader.dataset.num_targets',
    ],
)
