"""The counterpart of ``rcf_r18_shapes.py`` without context (delta = 0), at the same budget."""

_base_ = './rcf_r18_shapes.py'

model = dict(
    neck=dict(
        _delete_=True,
        type='SingleFrame',
        in_channels=96,
        embed_dims=128,
        encoder=dict(num_layers=3, num_heads=8, feedforward_dims=256),
    )
)
train_dataloader = dict(dataset=dict(num_references=0))
previous_stage = dict(config='configs/shapes/rcf_r18_shapes_small_ref0.py')
