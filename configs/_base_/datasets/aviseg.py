# AVISeg, as published: what differs from avis.py. A config of the AVIS family takes it so:
#   _base_ = ['./rcf-av_r50_avis.py', '../_base_/datasets/aviseg.py']
#   train_dataloader = {{_base_.aviseg.train_dataloader}}
# and so on for val_dataloader, val_evaluator, test_dataloader and test_evaluator; with model.head.num_classes=26.
_root = 'data/aviseg/'

# One frame a second, and no fps in the files. A frame comes with the second of audio before it, as it does live; the
# set's own code gives it the second after (time_offset=1.0), which a stream cannot.
_fps = 1.0

aviseg = dict(
    train_dataloader=dict(dataset=dict(data_root=_root, ann_file='train.json', fps=_fps)),
    val_dataloader=dict(dataset=dict(data_root=_root, ann_file='val.json', fps=_fps)),
    val_evaluator=[
        dict(type='VISMetric', ann_file=_root + 'val.json'),
        dict(type='OrderMetric', ann_file=_root + 'val.json'),
    ],
    test_dataloader=dict(
        dataset=dict(
            data_root=_root,
            ann_file='test.json',
            data_prefix=dict(img='test/JPEGImages', audio='test/WAVAudios'),
            fps=_fps,
        )
    ),
    test_evaluator=[
        dict(type='VISMetric', ann_file=_root + 'test.json'),
        dict(type='OrderMetric', ann_file=_root + 'test.json'),
    ],
)
