"""RCF with audio, ResNet-50, AVIS: the paper's audio-visual model (Tables IX and XI) and the reference of this family.

The model and the schedule can be read whole in the first and third base; a sibling names the bases that differ, an
ablation shows its difference from this config. Three reference frames, the best of Table X. Ours, where the paper is
silent: training is that of the video models (60k iterations, batch 16) in a single stage, from ImageNet weights and
those of the public VGGish, which is trained too, at the backbone's rate; and a fifth of the clips lose their audio, so
that the model works without.
"""

_base_ = [
    '../_base_/models/rcf-av_r50.py',
    '../_base_/datasets/avis.py',
    '../_base_/schedules/adamw_60k.py',
    '../_base_/default_runtime.py',
]

train_cfg = dict(val_interval=20000)
