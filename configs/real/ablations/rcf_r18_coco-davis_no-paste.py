"""Without copy-paste in the clips; the stages before, on stills, had it."""

_base_ = '../rcf_r18_coco-davis.py'

train_dataloader = {{_base_.coco_davis_no_paste.train_dataloader}}
