"""Table X, without the audio token, 5 reference frames."""

_base_ = '../rcf-av_r50_avis.py'

num_references = 5

model = dict(neck=dict(num_references=num_references), audio_encoder=None)
train_dataloader = dict(dataset=dict(num_references=num_references))
