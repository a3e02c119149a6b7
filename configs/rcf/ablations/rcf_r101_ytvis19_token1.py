"""Table V, 1 reference token."""

_base_ = '../rcf_r101_ytvis19.py'

model = dict(neck=dict(grid_size=1))
