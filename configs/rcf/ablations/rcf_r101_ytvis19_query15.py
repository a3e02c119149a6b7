"""Table VI, 15 instance queries."""

_base_ = '../rcf_r101_ytvis19.py'

model = dict(head=dict(num_queries=15))
