"""What every run shares: scope, hooks, logging, environment."""

default_scope = 'mmrcf'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CompleteCheckpointHook',
        interval=5000,
        by_epoch=False,
        max_keep_ckpts=2,
        backend_args=dict(backend='complete'),
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
)
custom_hooks = [dict(type='DatasetCheckHook'), dict(type='DivergenceHook'), dict(type='MemoryHook')]

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)

# TensorBoard, in a child config: vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')] of
# the visualizer (pip install tensorboard)
vis_backends = [dict(type='LocalVisBackend')]
# Without a name: MMEngine gives it the run's, so that each run of a process writes its own files.
visualizer = dict(type='Visualizer', vis_backends=vis_backends)

log_processor = dict(type='LogProcessor', window_size=50, by_epoch=False)
log_level = 'INFO'
load_from = None
resume = False
