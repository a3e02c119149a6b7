"""Table III, no reference frame."""

_base_ = '../rcf_r101_ytvis19.py'

model = dict(
    neck=dict(
        _delete_=True,
        type='SingleFrame',
        in_channels=2048,
        embed_dims=256,
        encoder=dict(num_layers=6, num_heads=8, feedforward_dims=2048, dropout=0.0),
    )
)
train_dataloader = dict(dataset=dict(num_references=0))
