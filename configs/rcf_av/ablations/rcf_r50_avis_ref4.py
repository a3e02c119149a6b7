"""Table X, without the audio token, 4 reference frames."""

_base_ = './rcf-av_r50_avis_ref4.py'

model = dict(audio_encoder=None)
