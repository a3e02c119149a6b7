"""MinVIS with mmdet's Mask2Former, ResNet-50, COCO instances: 80 classes, no training on videos.

The longer side of a frame is 640 at most and the shorter one 360, as for videos; mmdet tests COCO with
``--cfg-options test_dataloader.dataset.pipeline.1.scale=1333,800``.
"""

_base_ = [
    '../_base_/models/mask2former_r50.py',
    '../_base_/datasets/coco_images.py',
    '../_base_/default_runtime.py',
]
