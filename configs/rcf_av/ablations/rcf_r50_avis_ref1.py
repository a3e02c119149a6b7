"""Table X, without the audio token, 1 reference frame."""

_base_ = '../rcf-av_r50_avis.py'

num_references = 1

model = dict(neck=dict(num_references=num_references), audio_encoder=None)
train_dataloader = dict(dataset=dict(num_references=num_references))
