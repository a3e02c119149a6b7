"""Table V, 64 reference tokens."""

_base_ = '../rcf_r101_ytvis19.py'

model = dict(neck=dict(grid_size=8))
