"""Table VII, track IDs keep the query that they were assigned on the frame before; two targets a clip."""

_base_ = '../rcf_r101_ytvis19.py'

model = dict(head=dict(order_supervision=True))
train_dataloader = dict(dataset=dict(num_targets=2))
