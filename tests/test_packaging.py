"""The wheel carries what it should, building it leaves no links behind, and `make` sets up once."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from mmengine.config import Config

from mmrcf import __version__

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCES = ('LICENSE', 'MANIFEST.in', 'Makefile', 'README.md', 'model-index.yml', 'pyproject.toml', 'setup.py')
FOLDERS = ('configs', 'mmrcf', 'requirements', 'tools')


@pytest.fixture(scope='module')
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the package is built from."""
    root = tmp_path_factory.mktemp('tree')
    for name in SOURCES:
        shutil.copy(REPOSITORY / name, root)
    for name in FOLDERS:
        shutil.copytree(REPOSITORY / name, root / name)
    (root / 'demo').mkdir()
    shutil.copy(REPOSITORY / 'demo/video_demo.py', root / 'demo')
    for name in ('clip.mp4', 'checkpoints/weights.pth'):
        (root / 'demo' / name).parent.mkdir(exist_ok=True)
        (root / 'demo' / name).touch()
    return root


@pytest.fixture(scope='module')
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp('wheel')
    command = [sys.executable, '-m', 'pip', 'wheel', str(tree), '--no-deps', '--no-build-isolation', '-w', str(folder)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return zipfile.ZipFile(next(folder.glob('*.whl')))


def files_below(root: Path, *patterns: str) -> set[str]:
    return {path.relative_to(root).as_posix() for pattern in patterns for path in root.glob(pattern)}


def test_the_wheel_carries_package_configs_and_tools(wheel: zipfile.ZipFile, tree: Path) -> None:
    names = set(wheel.namelist())
    patterns = ('configs/**/*.py', 'configs/**/*.yml', 'tools/**/*.py', 'tools/**/*.sh', 'demo/*', 'demo/checkpoints/*')
    carried = {name for name in files_below(tree, *patterns) if (tree / name).is_file()}
    assert files_below(tree, 'mmrcf/**/*.py', 'mmrcf/web/*.css') <= names
    assert {f'mmrcf/.mim/{name}' for name in carried | {'model-index.yml'}} <= names
    assert {name.split('/')[0] for name in names} == {'mmrcf', f'mmrcf-{__version__}.dist-info'}
    assert not [name for name in names if '__pycache__' in name]


def test_the_wheel_pins_its_dependencies(wheel: zipfile.ZipFile) -> None:
    metadata = wheel.read(f'mmrcf-{__version__}.dist-info/METADATA').decode()
    for requirement in ('torch==2.11.0', 'onedl-mmengine==0.10.12', 'onedl-mmcv==2.3.6', 'onedl-mmdetection==3.5.1'):
        assert f'Requires-Dist: {requirement}' in metadata
    assert 'Apache-2.0' in metadata


def test_a_config_of_the_wheel_can_be_read(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    config = Config.fromfile(tmp_path / 'mmrcf/.mim/configs/rcf/rcf_swin-l_ytvis21.py')
    assert config.model.type == 'RCF'


def test_building_leaves_no_links_and_no_mim_folder(wheel: zipfile.ZipFile, tree: Path) -> None:
    assert not [path for path in tree.rglob('*') if path.is_symlink()]
    assert not (tree / 'mmrcf/.mim').exists()


def test_make_sets_up_once_and_again_when_requirements_change(tree: Path, tmp_path: Path) -> None:
    calls = tmp_path / 'calls'
    python = tmp_path / 'venv/bin/python'
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    python.chmod(0o755)

    def make() -> str:
        calls.write_text('')
        environment = {key: value for key, value in os.environ.items() if not key.startswith(('MAKE', 'MFLAGS'))}
        subprocess.run(['make', 'test', f'VENV={tmp_path}/venv'], cwd=tree, check=True, env=environment)
        return calls.read_text()

    install = '-m pip install --editable .[dev,onnx]'
    assert install in make()
    again = make()
    assert again.startswith('-m pytest ') and again.count('\n') == 1, 'nothing but the tests'
    later = os.stat(tmp_path / 'venv/.installed').st_mtime + 5
    os.utime(tree / 'requirements/runtime.txt', (later, later))
    assert install in make()


def test_continuous_integration_can_be_run() -> None:
    assert os.access(REPOSITORY / '.ci/run', os.X_OK)
    assert subprocess.run(['bash', '-n', '.ci/run'], cwd=REPOSITORY).returncode == 0
