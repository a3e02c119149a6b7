"""Queries without places: they start at random and are matched by class and mask, as in the paper."""

_base_ = './rcf_r18_coco_short.py'

model = dict(
    head=dict(
        anchored_queries=False,
        local_content=False,
        match_costs=[
            dict(type='mmdet.ClassificationCost', weight=1.0),
            dict(type='mmdet.DiceCost', weight=1.0, pred_act=True, naive_dice=True, eps=1.0),
        ],
    )
)
