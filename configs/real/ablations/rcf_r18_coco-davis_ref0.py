"""Without context (delta = 0): the twin of ``rcf_r18_coco-davis.py`` with the same data, seeds and budget."""

_base_ = '../rcf_r18_coco-davis.py'

embed_dims = 128
_layers = dict(num_layers=3, num_heads=8, feedforward_dims=512)
model = dict(
    neck=dict(
        _delete_=True, type='SingleFrame', in_channels=256, embed_dims=embed_dims, encoder=_layers, located_content=True
    )
)
train_dataloader = {{_base_.coco_davis_ref0.train_dataloader}}
