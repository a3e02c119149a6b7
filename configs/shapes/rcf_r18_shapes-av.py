"""The visual-only counterpart of ``rcf-av_r18_shapes-av.py``: the same data, seeds and budget, without audio."""

_base_ = './rcf-av_r18_shapes-av.py'

model = dict(audio_encoder=None)
