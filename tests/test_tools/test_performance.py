"""The page of figures: what is run for it, and that it is what its files say."""

import shutil
from pathlib import Path
from types import ModuleType

import pytest

from mmrcf.errors import InputError

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / 'docs/performance.md'
TO_BE_MEASURED = {'gpu'}
"""Sections whose figures we could not measure so far."""


@pytest.fixture
def performance(load_script) -> ModuleType:
    return load_script('tools/benchmarks/performance.py')


def test_every_run_is_a_command_that_its_tool_takes(performance: ModuleType, load_script) -> None:
    for command in performance.RUNS.values():
        tool, *arguments = map(str, command)
        parsed = load_script(tool).parse_args([*arguments, '--json', 'out.json'])
        assert parsed.json == 'out.json'
    for name, arguments in performance.EXPORTS.items():
        parsed = load_script('tools/export/onnx_export.py').parse_args([*arguments, '--out', name])
        assert (REPOSITORY / parsed.config).exists()


@pytest.fixture
def page(load_script) -> ModuleType:
    return load_script('tools/benchmarks/performance_page.py')


def test_every_section_is_made_of_runs(performance: ModuleType, page: ModuleType) -> None:
    needed = {need for section in page.SECTIONS.values() for need in section.needs}
    assert needed - {'gpu'} == set(performance.RUNS)  # a GPU has a tool of its own


def test_the_page_is_what_its_files_say(page: ModuleType, tmp_path: Path) -> None:
    copy = shutil.copy(PAGE, tmp_path / 'performance.md')
    page.write_page(copy, REPOSITORY / 'docs/performance')
    assert copy.read_text() == PAGE.read_text()
    measured = {path.stem for path in (REPOSITORY / 'docs/performance').glob('*.json')}
    missing = [name for name, section in page.SECTIONS.items() if not measured.issuperset(section.needs)]
    assert set(missing) <= TO_BE_MEASURED and copy.read_text().count(page.NOT_MEASURED) == len(missing)


def test_a_section_without_its_files_says_so(page: ModuleType, tmp_path: Path) -> None:
    copy = shutil.copy(PAGE, tmp_path / 'performance.md')
    page.write_page(copy, tmp_path)
    assert copy.read_text().count(page.NOT_MEASURED) == len(page.SECTIONS)


def test_only_what_has_no_result_is_run(
    performance: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []
    monkeypatch.setattr(performance, 'RESULTS', tmp_path)
    monkeypatch.setattr(performance, 'ROOT', tmp_path)
    monkeypatch.setattr(performance, 'run', lambda command, *options: ran.append(Path(str(options[-1])).name))
    names = [f'{name}.json' for name in performance.RUNS]
    for name in names[:3]:
        (tmp_path / name).write_text('{}')
    performance.measure(['soak', 'flops'])
    assert ran == [*performance.EXPORTS, *names[3:]]
    for name in names:
        (tmp_path / name).write_text('{}')
    ran.clear()
    performance.measure(['soak'])
    assert ran == ['soak.json']
    # An export that exists may be of an older config: the run that needs it has it made again.
    (tmp_path / performance.MODELS).mkdir(parents=True)
    (tmp_path / performance.MODELS / 'real.onnx').touch()
    ran.clear()
    performance.measure(['latency_real', 'soak'])
    assert ran == ['real.onnx', 'latency_real.json', 'soak.json']


def test_a_failed_run_is_named(performance: ModuleType, capfd) -> None:
    with pytest.raises(InputError, match='tools/benchmarks/live.py ended with 2; see above'):
        performance.run(['tools/benchmarks/live.py'], 'none.py', '--source-fps', '-1')
    assert 'expected more than 0' in capfd.readouterr().err


def test_an_unknown_name_is_refused(performance: ModuleType, capsys) -> None:
    with pytest.raises(SystemExit):
        performance.main(['--force', 'latency'])
    assert '--force latency: expected names among latency_r50' in capsys.readouterr().err
