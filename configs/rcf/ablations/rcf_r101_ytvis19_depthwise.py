"""The other compression that Section III-B-1 names: depth-wise convolution."""

_base_ = '../rcf_r101_ytvis19.py'

model = dict(neck=dict(compression='depthwise'))
