# AdamW for the synthetic benchmark. A config sets the number of iterations and the learning rate over them.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=4e-4, weight_decay=1e-4, fused=True),
    clip_grad=dict(max_norm=1.0),
)
train_cfg = dict(type='IterBasedTrainLoop')
val_cfg = dict(type='OnlineValLoop')
test_cfg = dict(type='OnlineTestLoop')
randomness = dict(seed=0)
