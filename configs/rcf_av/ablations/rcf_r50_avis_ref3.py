"""Table X, without the audio token, 3 reference frames."""

_base_ = '../rcf-av_r50_avis.py'

model = dict(audio_encoder=None)
