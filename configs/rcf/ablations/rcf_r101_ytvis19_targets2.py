"""The control of Table VII: two targets a clip, as the row with order supervision has, and no order supervision."""

_base_ = '../rcf_r101_ytvis19.py'

train_dataloader = dict(dataset=dict(num_targets=2))
