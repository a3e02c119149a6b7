"""Without an extra everything else works, and what needs it says how to get it; nothing is imported without need."""

import subprocess
import sys
from pathlib import Path

import pytest

from mmrcf.apis import init_model
from mmrcf.errors import InputError

BLOCKED = """
import sys
for name in ('onnx', 'onnxruntime', 'onnxscript', 'openvino'):
    sys.modules[name] = None
import mmrcf.apis, mmrcf.export
slow = ('mmdet.models', 'matplotlib', 'scipy.optimize')
print('imported', *(name for name in slow if name in sys.modules))
"""


@pytest.mark.slow
def test_the_package_imports_without_it_and_without_what_only_some_models_need() -> None:
    done = subprocess.run([sys.executable, '-c', BLOCKED], capture_output=True, text=True)
    assert done.stdout.strip() == 'imported', done.stderr


@pytest.mark.parametrize(('runtime', 'extra'), [('onnxruntime', 'onnx'), ('openvino', 'openvino')])
def test_one_line_says_how_to_install_it(
    runtime: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, runtime, None)
    (tmp_path / 'step.onnx').write_bytes(b'something')
    with pytest.raises(InputError) as error:
        init_model(tmp_path / 'step.onnx', runtime=runtime)
    assert str(error.value) == (
        f"ONNX models need {runtime}, which is not installed; install it with: pip install 'mmrcf[{extra}]'"
    )
