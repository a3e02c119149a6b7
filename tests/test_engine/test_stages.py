"""Which stages of a training are missing, where they are written and what they start from."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmrcf.engine.config import load_config
from mmrcf.engine.stages import describe, missing_data, pauses, plan_stages, require_data
from mmrcf.errors import InputError, InputFileError

FIRST = """
model = dict(type='RCF', neck=dict(grid_size=2), classes=3)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=1500)
train_dataloader = dict(dataset=dict(num_references=1))
"""
SECOND = "_base_ = 'first.py'\nprevious_stage = dict(config='first.py')\ntrain_cfg = dict(max_iters=20)\n"
ROW = """
_base_ = 'second.py'
model = dict(neck=dict(_delete_=True, grid_size=4), classes=5)
previous_stage = dict(same_fields=['model.neck', 'train_dataloader.dataset.num_references'])
"""


@pytest.fixture
def plan(in_tmp_path: Path) -> Callable[..., list[Config]]:
    """``plan(name, **options)``: the stages of one of the configs above."""
    for name, content in dict(first=FIRST, second=SECOND, row=ROW).items():
        Path(f'{name}.py').write_text(content)

    def make(name: str, **options: object) -> list[Config]:
        config = load_config(f'{name}.py')
        config.work_dir = f'work_dirs/{name}'
        return plan_stages(config, **options)

    return make


def touch(path: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=dict(x=torch.ones(1))), path)


def test_a_missing_stage_is_trained_first_and_a_finished_one_is_used(plan) -> None:
    first, second = plan('second')
    assert (first.work_dir, first.get('load_from')) == ('work_dirs/first', None)
    assert second.load_from == 'work_dirs/first/iter_1500.pth'
    assert describe(first, 1, 2) == 'Stage 1 of 2: first.py, 1,500 iterations, in work_dirs/first'
    touch('work_dirs/first/iter_1500.pth')
    (only,) = plan('second')
    assert only.load_from == 'work_dirs/first/iter_1500.pth'


def test_resume_continues_the_stage_that_was_interrupted(plan) -> None:
    touch('work_dirs/first/iter_1000.pth')
    Path('work_dirs/first/last_checkpoint').write_text('work_dirs/first/iter_1000.pth')
    first, second = plan('second', resume=True)
    assert first.resume and first.get('load_from') is None and not second.get('resume')
    assert describe(first, 1, 2).endswith(', continues from iter_1000.pth')
    first, _ = plan('second')
    assert not first.get('resume')
    assert describe(first, 1, 2).endswith('; iter_1000.pth of an earlier run is there, --resume continues it')
    # The second stage was reached: the first is not asked for again, whatever is left of it.
    touch('work_dirs/second/iter_10.pth')
    Path('work_dirs/second/last_checkpoint').write_text('work_dirs/second/iter_10.pth')
    (second,) = plan('second', resume=True)
    assert second.resume and second.get('load_from') is None


def test_a_row_has_a_first_stage_of_its_own(plan) -> None:
    touch('work_dirs/first/iter_1500.pth')  # that of the other setting
    first, row = plan('row')
    assert first.model == dict(type='RCF', neck=dict(grid_size=4), classes=3)
    assert first.work_dir == 'work_dirs/row/first'
    assert row.load_from == 'work_dirs/row/first/iter_1500.pth'
    assert load_config('first.py').model.neck == dict(grid_size=2)


def test_a_given_checkpoint_stands_for_the_stage_before(plan) -> None:
    touch('shipped.pth')
    Path('second.py').write_text(SECOND.replace("config='first.py'", "config='first.py', checkpoint='shipped.pth'"))
    (second,) = plan('second')
    assert second.load_from == 'shipped.pth'
    Path('shipped.pth').unlink()
    assert len(plan('second')) == 2


def test_load_from_comes_first(plan) -> None:
    Path('second.py').write_text(SECOND + "load_from = 'mine.pth'\n")
    (second,) = plan('second')
    assert second.load_from == 'mine.pth'
    assert load_config('second.py', {'previous_stage': None}).previous_stage is None


@pytest.mark.parametrize(
    ('entry', 'words'),
    [
        ("'first.py'", r"previous_stage='first.py', expected dict\(config=FILE\)"),
        ("dict(config='first.py', chekpoint='x.pth')", 'expected dict'),
        ("dict(config='nowhere.py')", 'second.py: previous_stage.config=nowhere.py: no such file'),
        ("dict(config='second.py')", 'form a circle'),
        ("dict(config='first.py', same_fields=['model.nek'])", 'model.nek is not in both stages'),
    ],
)
def test_a_wrong_entry_is_named(plan, entry: str, words: str) -> None:
    Path('second.py').write_text(SECOND.replace("dict(config='first.py')", entry))
    with pytest.raises(InputError, match=words):
        plan('second')


def test_data_of_all_stages_have_to_be_there_unless_a_command_writes_them(plan) -> None:
    first, second = plan('second')
    first.train_dataloader.dataset.update(data_root='data/', ann_file='a.json')
    pasted = dict(type='VideoCopyPaste', sources=[dict(data_root='data/', ann_file='completed.json')])
    second.train_dataloader = dict(dataset=dict(datasets=[dict(ann_file='data/a.json', pipeline=[pasted])]))
    with pytest.raises(InputFileError, match=r'first.py: train_dataloader.dataset.ann_file=data/a.json: no such file'):
        require_data([first, second])
    touch('data/a.json')
    with pytest.raises(InputFileError, match=r'second.py: .*data/completed.json: no such file; check the path'):
        require_data([first, second])
    second.data_commands = {'data/completed.json': 'make completed'}
    require_data([first, second])
    assert list(pauses([first, second])) == [
        'Before second.py: data/completed.json has to be written, with `make completed`'
    ]
    with pytest.raises(InputFileError, match='write it with `make completed`, and start again with --resume'):
        require_data([second])
    touch('data/completed.json')
    assert missing_data(second) == []
