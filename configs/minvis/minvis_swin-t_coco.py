"""MinVIS with mmdet's Mask2Former, Swin-T, COCO instances."""

_base_ = './minvis_swin-t_coco-panoptic.py'

model = dict(panoptic_head=dict(num_stuff_classes=0, loss_cls=dict(class_weight=[1.0] * 80 + [0.1])))
