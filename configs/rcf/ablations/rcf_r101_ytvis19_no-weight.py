"""Table VIII, without the pixel-wise weight W."""

_base_ = '../rcf_r101_ytvis19.py'

model = dict(neck=dict(use_weight=False))
