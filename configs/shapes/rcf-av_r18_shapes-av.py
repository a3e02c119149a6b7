"""RCF with audio on the synthetic audio-visual benchmark; starts from the weights that ``rcf_r18_shapes.py`` gives.

Eight classes in four pairs that look the same and sound different. A small audio encoder, trained from scratch.

Without audio the classes are ambiguous, so rules of the tracker that use the class are off
(``return_by_class``, ``start_score``).
"""

_base_ = [
    '../_base_/models/rcf_r18_shapes.py',
    '../_base_/datasets/shapes_av.py',
    '../_base_/schedules/adamw_shapes.py',
    '../_base_/default_runtime.py',
]

max_iters = 3000

model = dict(
    audio_encoder=dict(type='SmallAudioEncoder', num_references=1, embed_dims=128, feature_dims=128, lstm_dims=64),
    tracker=dict(return_by_class=False, start_score=None),
)

param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=300),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=300, end=max_iters),
]
auto_scale_lr = dict(enable=False, base_batch_size=2)
train_cfg = dict(max_iters=max_iters, val_interval=1500)
default_hooks = dict(checkpoint=dict(interval=500, save_best='vis/AP', rule='greater'))
# The shipped weights are the result of that stage.
previous_stage = dict(config='configs/shapes/rcf_r18_shapes.py', checkpoint='demo/checkpoints/rcf_r18_shapes.pth')
