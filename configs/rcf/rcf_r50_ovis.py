"""RCF, ResNet-50, OVIS. Ours: the paper does not use OVIS; its crowded frames need more queries.

Trained from ImageNet weights, without the stage on COCO.
"""

_base_ = [
    '../_base_/models/rcf_r50.py',
    '../_base_/datasets/ovis.py',
    '../_base_/schedules/adamw_60k.py',
    '../_base_/default_runtime.py',
]

num_classes = 25

model = dict(
    head=dict(num_classes=num_classes, num_queries=50, loss_cls=dict(class_weight=[1.0] * num_classes + [0.1]))
)
