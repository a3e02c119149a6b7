"""The process group of a launcher on a machine without a GPU."""

import socket

import pytest
import torch
from mmengine.config import Config
from torch import distributed

from mmrcf.engine.distributed import process_group
from mmrcf.errors import InputError

VARIABLES = dict(
    pytorch=('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    slurm=('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    mpi=('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
)


@pytest.fixture
def no_ranks(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for names in VARIABLES.values():
        for name in names:
            monkeypatch.setenv(name, '')  # so that what the test sets goes again
            monkeypatch.delenv(name)
    monkeypatch.delenv('MASTER_ADDR', raising=False)
    with socket.socket() as free:
        free.bind(('localhost', 0))
        monkeypatch.setenv('MASTER_PORT', str(free.getsockname()[1]))
    monkeypatch.setenv('MASTER_ADDR', 'localhost')
    return monkeypatch


@pytest.mark.skipif(torch.cuda.is_available(), reason='with a GPU the runner starts the group')
@pytest.mark.parametrize('launcher', VARIABLES)
def test_every_launcher_meets_by_gloo(launcher: str, no_ranks: pytest.MonkeyPatch) -> None:
    for name, value in zip(VARIABLES[launcher], ('0', '1', '0'), strict=True):
        no_ranks.setenv(name, value)
    config, other = Config(dict(env_cfg=dict(dist_cfg=dict(backend='nccl')))), Config()
    with process_group([config, other], launcher):
        assert distributed.get_backend() == 'gloo'
    assert not distributed.is_initialized()
    for stage in (config, other):
        assert stage.launcher == launcher
        assert stage.env_cfg.dist_cfg.backend == 'gloo'
        assert stage.model_wrapper_cfg.device_ids is None


@pytest.mark.parametrize('launcher', VARIABLES)
def test_a_process_that_was_not_started_by_its_launcher_is_told(launcher: str, no_ranks: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=VARIABLES[launcher][0]), process_group(Config(), launcher):
        pass


def test_more_processes_than_gpus_are_refused(no_ranks: pytest.MonkeyPatch) -> None:
    for name, value in zip(VARIABLES['pytorch'], ('3', '4', '3'), strict=True):
        no_ranks.setenv(name, value)
    no_ranks.setattr(torch.cuda, 'is_available', lambda: True)
    no_ranks.setattr(torch.cuda, 'device_count', lambda: 2)
    with pytest.raises(InputError, match=r'2 GPU\(s\)'), process_group(Config(), 'pytorch'):
        pass


def test_several_machines_need_a_meeting_place(no_ranks: pytest.MonkeyPatch) -> None:
    for name, value in zip(VARIABLES['slurm'], ('0', '2', '0'), strict=True):
        no_ranks.setenv(name, value)
    no_ranks.setenv('SLURM_NNODES', '2')
    no_ranks.delenv('MASTER_ADDR')
    no_ranks.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(InputError, match='MASTER_ADDR'), process_group(Config(), 'slurm'):
        pass
