"""dist_train.sh and dist_test.sh with two processes; on a machine without a GPU these are CPU ranks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(torch.cuda.device_count() == 1, reason='two processes need two GPUs or none'),
]


def run_script(repository: Path, name: str, *arguments: object) -> subprocess.CompletedProcess:
    environment = {**os.environ, 'PYTHON': sys.executable, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(repository)}
    command = [repository / 'tools' / name, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def test_two_processes_train_both_stages_and_evaluate_as_one(
    repository: Path, load_script, tiny_config: Path, in_tmp_path: Path
) -> None:
    tmp_path = in_tmp_path
    shorter = (
        f"_base_ = '{tiny_config}'\n"
        'train_cfg = dict(max_iters={})\n'
        'val_dataloader = None\nval_evaluator = None\nval_cfg = None\n'
    )
    Path('first.py').write_text(shorter.format(1))
    Path('second.py').write_text(shorter.format(2) + "previous_stage = dict(config='first.py')\n")
    trained = run_script(repository, 'dist_train.sh', 'second.py', 2, '--work-dir', tmp_path)
    assert trained.returncode == 0, trained.stderr[-3000:]
    assert trained.stdout.count('Stage 1 of 2: first.py, 1 iterations') == 1  # by one of the processes
    assert 'Load checkpoint from work_dirs/first/iter_1.pth' in trained.stdout + trained.stderr
    checkpoint = tmp_path / 'iter_2.pth'

    # A slot whose probability nearly always reaches the threshold gives the untrained network something to measure.
    options = ['--cfg-options', 'model.score_thr=0.01']
    two, one = tmp_path / 'two.json', tmp_path / 'one.json'
    tested = run_script(
        repository, 'dist_test.sh', tiny_config, checkpoint, 2, '--work-dir', tmp_path / 'two', '--json', two, *options
    )
    assert tested.returncode == 0, tested.stderr[-3000:]
    load_script('tools/test.py').main(
        [str(tiny_config), str(checkpoint), '--work-dir', str(tmp_path / 'one'), '--json', str(one), *options]
    )
    metrics = {path: {k: v for k, v in json.loads(path.read_text()).items() if '/' in k} for path in (one, two)}
    assert metrics[one] == metrics[two]


@pytest.mark.parametrize('name', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh'])
def test_a_script_without_arguments_says_how_to_call_it(repository: Path, name: str) -> None:
    result = run_script(repository, name)
    assert result.returncode == 2
    assert f'tools/{name}' in result.stderr


def test_a_mistake_that_all_processes_find_is_one_line(repository: Path, in_tmp_path: Path) -> None:
    result = run_script(repository, 'dist_train.sh', 'nowhere.py', 2)
    assert result.returncode == 2
    assert result.stderr == 'error: config nowhere.py: no such file; check the path\n'


def test_a_process_that_crashes_is_named(repository: Path, in_tmp_path: Path) -> None:
    Path('crash.py').write_text('import os\nos.environ["RANK"] == "1" and os._exit(7)\n')
    command = [sys.executable, repository / 'tools/launch.py', '2', 'crash.py']
    result = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert result.returncode == 1
    assert result.stderr == 'error: process 1 ended with exit code 7; its output above may say why\n'


@pytest.mark.parametrize('processes', ['two', '0', '--work-dir'])
def test_a_number_of_processes_that_is_none(repository: Path, processes: str) -> None:
    result = run_script(repository, 'dist_train.sh', 'some.py', processes)
    assert result.returncode == 2
    assert result.stderr == f'error: PROCESSES: expected a whole number, at least 1, got {processes!r}\n'


def test_several_machines_meet_where_the_variables_say(load_script) -> None:
    meeting = load_script('tools/launch.py').meeting_options
    assert meeting({}) == meeting({'NNODES': '1'}) == ['--standalone']
    assert meeting({'PORT': '5'}) == ['--nnodes=1', '--node_rank=0', '--master_addr=127.0.0.1', '--master_port=5']
    assert meeting({'NNODES': '2', 'NODE_RANK': '1', 'MASTER_ADDR': 'a'}) == [
        '--nnodes=2',
        '--node_rank=1',
        '--master_addr=a',
        '--master_port=29500',
    ]


@pytest.mark.skipif(shutil.which('srun') is not None, reason='of machines without Slurm')
def test_slurm_is_needed_for_its_script(repository: Path) -> None:
    result = run_script(repository, 'slurm_train.sh', 'partition', 'job', 'some.py')
    assert result.returncode == 2 and result.stderr.startswith('error: srun not found; ')
