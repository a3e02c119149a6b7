# rcf_r18_grid-anchored.py with context: one reference frame. For stages on clips.
_base_ = './rcf_r18_grid-anchored.py'

num_references = 1

model = dict(
    neck=dict(
        _delete_=True,
        type='RobustContextFusion',
        in_channels=256,
        num_references=num_references,
        embed_dims={{_base_.embed_dims}},
        grid_size=2,
        encoder={{_base_.encoder}},
        add_position_to_content=True,
    )
)
