"""The silent twin of ``rcf-av_r18_shapes-av.py``: the same data, seeds and budget, without ears."""

_base_ = './rcf-av_r18_shapes-av.py'

model = dict(audio_encoder=None)
