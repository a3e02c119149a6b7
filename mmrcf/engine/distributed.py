"""Several processes: one group for a launcher, on GPUs or, where there is none, on CPU cores by gloo."""

import contextlib
import datetime
import gc
import os
from collections.abc import Iterator, Sequence

import torch
from mmengine.config import Config
from torch import distributed

from mmrcf.errors import InputError

# The variables by which a launcher numbers its processes; torch reads the first triple.
_RANK_VARIABLES = {
    'pytorch': ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
}
_STARTED_BY = {'pytorch': 'tools/dist_train.sh or torchrun', 'slurm': 'tools/slurm_train.sh or srun', 'mpi': 'mpirun'}
_GROUP_TIMEOUT = datetime.timedelta(minutes=30)


@contextlib.contextmanager
def process_group(configs: Config | Sequence[Config], launcher: str) -> Iterator[None]:
    """Hold this process's part in the group of ``launcher`` while the block runs.

    What uses the group (a runner, a wrapped model) must be gone at the end of the block: only then do the group's
    threads end here, and not while the interpreter shuts down, where that can abort the process. After an error the
    group is left to the end of the process, because the other processes may still wait in it.

    With GPUs, MMEngine's Runner starts the group from ``env_cfg``; its start on a machine without one ends in
    ``torch.cuda.set_device``, so there the group is started here and the Runner finds it running.

    Args:
        configs: Those of the runs in the block, one after the other; ``launcher``, and without GPUs the backend and the
            model wrapper, are written into them.
        launcher: One of ``LAUNCHERS`` of :mod:`mmrcf.command_line`.

    Raises:
        InputError: The process was not started by ``launcher``, or there are fewer GPUs than processes on the machine.
    """
    configs = [configs] if isinstance(configs, Config) else configs
    for config in configs:
        config.launcher = launcher
    if launcher != 'none':
        _export_ranks(launcher)
        if torch.cuda.is_available():
            _check_gpus()
        else:
            _start_gloo()
            for config in configs:
                _use_gloo(config)
    yield
    if launcher != 'none' and distributed.is_initialized():
        gc.collect()
        distributed.destroy_process_group()


def _export_ranks(launcher: str) -> None:
    """Name rank, group size and local rank as torch expects them."""
    for torch_name, name in zip(_RANK_VARIABLES['pytorch'], _RANK_VARIABLES[launcher], strict=True):
        if name not in os.environ:
            raise InputError(
                f'--launcher {launcher}: the environment variable {name} is not set; '
                f'start with {_STARTED_BY[launcher]}, or use --launcher none'
            )
        os.environ[torch_name] = os.environ[name]


def _check_gpus() -> None:
    local_rank, gpus = int(os.environ['LOCAL_RANK']), torch.cuda.device_count()
    if local_rank >= gpus:
        raise InputError(
            f'process {local_rank} of this machine finds {gpus} GPU(s); start at most one process per GPU, '
            'or set CUDA_VISIBLE_DEVICES= to run on CPU cores'
        )


def _start_gloo() -> None:
    if 'MASTER_ADDR' not in os.environ and int(os.environ.get('SLURM_NNODES', 1)) > 1:
        raise InputError(
            '--launcher slurm: several machines without GPUs need an address to meet at; '
            "set the environment variable MASTER_ADDR to the first machine's name"
        )
    os.environ.setdefault('MASTER_ADDR', 'localhost')
    os.environ.setdefault('MASTER_PORT', '29500')
    distributed.init_process_group('gloo', timeout=_GROUP_TIMEOUT)


def _use_gloo(config: Config) -> None:
    config.env_cfg = (config.get('env_cfg') or {}) | dict(dist_cfg=dict(backend='gloo'))
    # MMEngine hands the local rank to the wrapper as a GPU index unless one is given; None means "where the model is".
    config.model_wrapper_cfg = dict(
        type='MMDistributedDataParallel',
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=config.get('find_unused_parameters', False),
    )
