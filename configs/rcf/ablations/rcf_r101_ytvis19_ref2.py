"""Table III, 2 reference frames."""

_base_ = '../rcf_r101_ytvis19.py'

model = dict(neck=dict(num_references=2))
train_dataloader = dict(dataset=dict(num_references=2))
