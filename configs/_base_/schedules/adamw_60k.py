# The schedule of the paper (Section IV-A): 60k iterations, batch 16 (two clips on each of 8 GPUs), AdamW at 6e-4,
# weight decay 1e-4, poly 0.9, backbone at a tenth of the rate. Ours, where the paper is silent: 60k iterations in each
# of the two stages, 1,000 iterations of linear warm-up, gradients clipped at norm 1.
#
# `val_cfg` stands with the data: MMEngine wants it where there are val_dataloader and val_evaluator, and only there.
max_iters = 60000

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=6e-4, weight_decay=1e-4),
    # VGGish is pretrained as the backbone is, and trained at the same rate.
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1), 'audio_encoder.vggish': dict(lr_mult=0.1)}),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=1000),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=1000, end=max_iters),
]
auto_scale_lr = dict(enable=False, base_batch_size=16)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters)
test_cfg = dict(type='OnlineTestLoop')
