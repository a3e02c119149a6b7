"""Table X, without the audio token, 1 reference frame."""

_base_ = './rcf-av_r50_avis_ref1.py'

model = dict(audio_encoder=None)
