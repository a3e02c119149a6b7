"""Which Python the shell scripts run: they are copied beside programs that stand in for it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CALLS = {
    'dist_train.sh': ('config.py', '2'),
    'dist_test.sh': ('config.py', 'weights.pth', '2'),
    'slurm_train.sh': ('partition', 'job', 'config.py'),
}


def write_program(path: Path, has_torch: bool = True) -> Path:
    """A Python that prints its name and arguments; with ``-c``, it is asked for torch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exit {int(not has_torch)}\necho "$0" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def scripts(repository: Path, tmp_path: Path) -> Path:
    (tmp_path / 'tools').mkdir()
    for script in (repository / 'tools').glob('*.sh'):
        shutil.copy(script, tmp_path / 'tools')
    write_program(tmp_path / 'bin/python3', has_torch=False)
    srun = tmp_path / 'bin/srun'
    srun.write_text('#!/bin/sh\necho "$@"\n')
    srun.chmod(0o755)
    return tmp_path


def call(root: Path, name: str, **environment: str) -> subprocess.CompletedProcess:
    path = {'PATH': f'{root}/bin:/usr/bin:/bin'}
    for tool in ('python', 'python3'):  # whatever the machine has
        if not (root / 'bin' / tool).exists():
            write_program(root / 'bin' / tool, has_torch=False)
    command = ['bash', str(root / 'tools' / name), *CALLS[name]]
    return subprocess.run(command, env=path | environment, capture_output=True, text=True, cwd=os.sep, timeout=60)


@pytest.mark.parametrize('name', CALLS)
def test_the_order_of_choice(scripts: Path, name: str) -> None:
    lacking = call(scripts, name)
    assert lacking.returncode == 2 and 'no Python with torch found' in lacking.stderr and 'make env' in lacking.stderr
    own = write_program(scripts / '.venv/bin/python')
    active = write_program(scripts / 'active/bin/python')
    named = write_program(scripts / 'named/python')
    assert str(own) in call(scripts, name).stdout
    assert str(active) in call(scripts, name, VIRTUAL_ENV=str(scripts / 'active')).stdout
    chosen = call(scripts, name, VIRTUAL_ENV=str(scripts / 'active'), PYTHON=str(named))
    assert chosen.returncode == 0 and str(named) in chosen.stdout and 'config.py' in chosen.stdout


def test_a_python_that_is_named_is_not_replaced(scripts: Path) -> None:
    write_program(scripts / '.venv/bin/python')
    for path in (scripts / 'nowhere', write_program(scripts / 'bare', has_torch=False)):
        result = call(scripts, 'dist_train.sh', PYTHON=str(path))
        assert result.returncode == 2 and result.stdout == ''
        assert result.stderr == (
            f'error: PYTHON={path}: cannot be run or has no torch; give the Python of the environment\n'
        )
