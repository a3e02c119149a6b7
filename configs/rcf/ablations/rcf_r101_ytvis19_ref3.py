"""Table III, 3 reference frames."""

_base_ = '../rcf_r101_ytvis19.py'

model = dict(neck=dict(num_references=3))
train_dataloader = dict(dataset=dict(num_references=3))
