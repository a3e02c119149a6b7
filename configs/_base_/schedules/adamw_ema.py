# AdamW with an exponential moving average (EMA) of the weights. Validation uses the averaged weights, and a checkpoint
# holds them. Stages set learning rate, iterations and warm-up.
_base_ = '../default_runtime.py'

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=8e-4, weight_decay=2e-2, fused=True),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.2)}),
    clip_grad=dict(max_norm=1.0),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=1000, val_interval=1000)
val_cfg = dict(type='OnlineValLoop')
test_cfg = dict(type='OnlineTestLoop')
# At first the average follows the weights closely, so that it forgets those that a short stage starts from (gamma).
custom_hooks = [
    dict(type='DatasetCheckHook'),
    dict(type='DivergenceHook'),
    dict(type='MemoryHook'),
    dict(type='EMAHook', ema_type='mmdet.ExpMomentumEMA', momentum=0.002, gamma=100),
]
default_hooks = dict(checkpoint=dict(interval=250))
randomness = dict(seed=0)
