"""Table X, without the audio token, 5 reference frames."""

_base_ = './rcf-av_r50_avis_ref5.py'

model = dict(audio_encoder=None)
