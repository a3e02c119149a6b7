"""Table IV, references with all their tokens, fused in the decoder."""

_base_ = '../rcf_r101_ytvis19.py'

model = dict(
    neck=dict(
        _delete_=True,
        type='FullFeatureFusion',
        fusion='decoder',
        in_channels=2048,
        num_references=1,
        embed_dims=256,
        encoder=dict(num_layers=6, num_heads=8, feedforward_dims=2048, dropout=0.0),
    )
)
