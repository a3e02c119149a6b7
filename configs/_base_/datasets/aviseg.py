# AVISeg, as published: what differs from AVIS. It has 26 classes.
_base_ = './avis.py'

data_root = 'data/aviseg/'
# One frame a second, and no fps in the files. A frame comes with the second of audio before it, as it does live; the
# set's own code gives it the second after (time_offset=1.0), which a stream cannot.
fps = 1.0

train_dataloader = dict(dataset=dict(data_root=data_root, ann_file='train.json', fps=fps))
val_dataloader = dict(dataset=dict(data_root=data_root, ann_file='val.json', fps=fps))
val_evaluator = [
    dict(type='VISMetric', ann_file=data_root + 'val.json'),
    dict(type='OrderMetric', ann_file=data_root + 'val.json'),
    dict(type='FSLAMetric', ann_file=data_root + 'val.json'),
]
test_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='test.json',
        data_prefix=dict(img='test/JPEGImages', audio='test/WAVAudios'),
        fps=fps,
    )
)
test_evaluator = [
    dict(type='VISMetric', ann_file=data_root + 'test.json'),
    dict(type='OrderMetric', ann_file=data_root + 'test.json'),
    dict(type='FSLAMetric', ann_file=data_root + 'test.json'),
]
