"""RCF with audio, ResNet-50, AVISeg."""

_base_ = ['./rcf-av_r50_avis.py', '../_base_/datasets/aviseg.py']

num_classes = 26

model = dict(
    head=dict(num_classes=num_classes, loss_cls=dict(class_weight=[1.0] * num_classes + [0.1])),
)
train_dataloader = {{_base_.aviseg.train_dataloader}}
val_dataloader = {{_base_.aviseg.val_dataloader}}
val_evaluator = {{_base_.aviseg.val_evaluator}}
test_dataloader = {{_base_.aviseg.test_dataloader}}
test_evaluator = {{_base_.aviseg.test_evaluator}}
