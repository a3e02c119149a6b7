"""Table X, without the audio token, 2 reference frames."""

_base_ = './rcf-av_r50_avis_ref2.py'

model = dict(audio_encoder=None)
