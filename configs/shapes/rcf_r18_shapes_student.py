"""A smaller RCF that learns from labels that a larger one made: one layer in encoder and decoder in the place of three.

It starts from those layers of the teacher, rcf_r18_shapes, that it has. docs/train_your_own.md shows how the labels are
made. What the teacher was in doubt about is ignored (``crowds='ignore'``).
"""

_base_ = './rcf_r18_shapes.py'

max_iters = 400
data_root = 'data/distillation/'

model = dict(neck=dict(encoder=dict(num_layers=1)), head=dict(decoder=dict(num_layers=1)))

train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='labels/instances.json',
        data_prefix=dict(img='labels/JPEGImages'),
        crowds='ignore',
    )
)
test_dataloader = dict(dataset=dict(data_root=data_root))
test_evaluator = [
    dict(type='VISMetric', ann_file=data_root + 'test/instances.json'),
    dict(type='OrderMetric', ann_file=data_root + 'test/instances.json'),
]
# Labels of the teacher say nothing about how good the student is: it is measured at the end, against true masks.
val_dataloader = None
val_evaluator = None
val_cfg = None
data_commands = {
    data_root + 'test/instances.json': 'python tools/misc/make_shapes.py --out data/distillation --splits '
    'train=80,test=60 --seed 11',
    data_root + 'labels/instances.json': 'python tools/misc/auto_label.py data/distillation/train/JPEGImages/* '
    '--teacher shapes --out data/distillation/labels',
}

param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=50, end=max_iters),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
default_hooks = dict(checkpoint=dict(interval=200, save_best=None))
load_from = 'demo/checkpoints/rcf_r18_shapes.pth'
previous_stage = None
