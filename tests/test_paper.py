"""docs/paper.md: links to code have the lines of now, keys and their defaults are those of the reference config."""

import ast
import inspect
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from mmengine.config import Config

from mmrcf.engine.config import load_config
from mmrcf.errors import InputError
from mmrcf.models.layers import TransformerEncoder
from mmrcf.registry import DATASETS, METRICS, MODELS

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / 'docs/paper.md'
REFERENCE = REPOSITORY / 'configs/rcf/rcf_r101_ytvis19.py'
AUDIO_VISUAL = REPOSITORY / 'configs/rcf_av/rcf-av_r101_avis.py'
STAGES = ('r101_coco-ytvis19', 'r101_ytvis19', 'swin-b_ytvis19')
"""A first stage, a second one, and one with Swin."""
# `neck.position_mode='attention'` in the column of keys, and the other values beside it.
KEY = re.compile(r'`(?P<key>[\w.]+)(?:=(?P<value>[^`]+))?`')
OTHER = re.compile(r'`(\'\w+\'|True|False)`')
ELSEWHERE = {'naive_dice', 'track_score', 'VISMetric', 'overflow', 'max_objects', 'ClipMotion', 'RandomAudioDrop'}
"""In the column of keys, but of what the row names."""


@pytest.fixture(scope='module')
def link_lines(load_script) -> ModuleType:
    return load_script('tools/misc/link_lines.py')


def sections() -> str:
    """The page from its choices on."""
    return PAGE.read_text(encoding='utf-8').split('## Choices')[1]


def full(key: str) -> str:
    """A key of the tables as ``--cfg-options`` takes it, by what the page says of them."""
    sentence = re.search(r'keys that start with (.*?) are fields of `model`', sections(), re.DOTALL)[1]
    return f'model.{key}' if f'{key.split(".")[0]}.' in re.findall(r'`([\w.]+)`', sentence) else key


def rows() -> list[list[str]]:
    """The cells of the tables: question, default, key, other values."""
    lines = [[cell.strip() for cell in line.strip('|').split(' | ')] for line in sections().splitlines()]
    return [cells for cells in lines if len(cells) == 4 and cells[2] not in ('key', '---')]


def keys() -> list[str]:
    """All keys, also those that are named beside another value."""
    named = [match['key'] for cells in rows() for match in KEY.finditer(cells[2])]
    beside = [match['key'] for cells in rows() for match in KEY.finditer(cells[3]) if '.' in match['key']]
    return [key for key in dict.fromkeys((*named, *beside)) if key not in ELSEWHERE]


def choices() -> list[tuple[str, object, list[object]]]:
    """Key in full, default and other values of each row that names a key of the model."""
    found = []
    for cells in rows():
        others = [ast.literal_eval(value) for value in OTHER.findall(cells[3])]
        for match in KEY.finditer(cells[2]):
            if match['value'] and full(match['key']).startswith('model.'):
                found.append((full(match['key']), ast.literal_eval(match['value']), others))
    return found


def constructor_of(node: Config, parents: list[str]) -> Callable:
    """What takes the fields of ``node``, the part of a config below ``parents``."""
    return TransformerEncoder if parents[-1] in ('encoder', 'decoder') else MODELS.get(node.type)


def has_field(config: Config, key: str) -> bool:
    """Whether ``key``, in full, is in ``config`` or an argument of the part that it is of."""
    node, (*parents, name) = config, key.split('.')
    for parent in parents:
        if parent not in node:
            return False
        node = node[parent]
    of_model = parents and parents[0] == 'model' and ('type' in node or parents[-1] in ('encoder', 'decoder'))
    return name in node or bool(of_model) and name in inspect.signature(constructor_of(node, parents)).parameters


def test_links_have_the_lines_of_now(link_lines: ModuleType) -> None:
    assert link_lines.renew(PAGE) == PAGE.read_text(encoding='utf-8'), (
        'run python tools/misc/link_lines.py docs/paper.md'
    )


def test_a_link_is_renewed_and_a_wrong_name_refused(link_lines: ModuleType, tmp_path: Path) -> None:
    (tmp_path / 'a.py').write_text('import os\n\n\n@os.x\nclass A:\n    b = 1\n\n    def c(self):\n        return 1\n')
    page = tmp_path / 'page.md'
    page.write_text('[A](a.py#L1-L1), [`A.c`](a.py#L9-L9), [other](a.py)\n')
    link_lines.main([str(page)])
    assert page.read_text() == '[A](a.py#L4-L9), [`A.c`](a.py#L8-L9), [other](a.py)\n'
    page.write_text('[A.d](a.py#L1-L1)\n')
    with pytest.raises(InputError, match=r'a\.py, which defines no A\.d'):
        link_lines.renew(page)


@pytest.mark.parametrize(('key', 'default', 'others'), choices())
def test_a_choice_is_a_key_with_that_default(key: str, default: object, others: list) -> None:
    node = load_config(REFERENCE)
    *parents, name = key.split('.')
    for parent in parents:
        node = node[parent]
    if name in node:
        assert node[name] == default
        return
    parameters = inspect.signature(constructor_of(node, parents)).parameters
    assert name in parameters and parameters[name].default == default


def test_each_key_is_a_field_of_a_config() -> None:
    """Written as the page says, it is one that ``--cfg-options`` takes."""
    configs = [load_config(REFERENCE.with_name(f'rcf_{name}.py')) for name in STAGES] + [load_config(AUDIO_VISUAL)]
    assert [key for key in keys() if not any(has_field(config, full(key)) for config in configs)] == []
    (option,) = re.findall(r'`--cfg-options (\S+)`', sections())
    key, value = option.split('=')
    assert load_config(REFERENCE, {key: value}).model.neck.position_mode == value == 'tokens'
    with pytest.raises(InputError):
        load_config(REFERENCE, {key.removeprefix('model.'): value})


def test_commands_of_the_tables_are_ones_that_their_tools_take(load_script, capsys) -> None:
    """``tool.py ... --show weight``: the dots stand for config, checkpoint, and what a picture needs."""
    named = {text for text in re.findall(r'`(tools/[^`]*)`', PAGE.read_text(encoding='utf-8')) if ' ... ' in text}
    assert len(named) >= 6
    for text in named:
        script, _, *options = shlex.split(text)
        picture = [] if '--encoder-share' in options else ['clip.mp4', '--out', 'picture.png']
        try:
            load_script(script).parse_args(['config.py', 'weights.pth', *picture, *options])
        except SystemExit:
            pytest.fail(f'{text}: {capsys.readouterr().err}')


def test_the_choices_were_read() -> None:
    found = {key for key, _, _ in choices()}
    assert len(found) >= 23
    assert {'model.neck.position_mode', 'model.head.decoder.norm_first', 'model.tracker.start_score'} <= found
    assert {'param_scheduler', 'audio_encoder.frozen', 'optim_wrapper.clip_grad'} <= set(keys())


def test_the_other_defaults_are_those_of_the_recipe() -> None:
    """Rows whose key is no field of a part with a constructor of ours: the page's text, and what it says."""
    first, second, swin = (load_config(REFERENCE.with_name(f'rcf_{name}.py')) for name in STAGES)
    joint, head, schedule = first.train_dataloader, second.model.head, second.optim_wrapper
    videos, images = joint.dataset.datasets
    motion = [step.type for step in images.pipeline]
    resize = next(step for step in second.train_dataloader.dataset.pipeline if step.type == 'RandomClipResize')
    avis = load_config(AUDIO_VISUAL)
    drop_audio = next(step for step in avis.train_dataloader.dataset.pipeline if step.type == 'RandomAudioDrop')
    drop = inspect.signature(DATASETS.get(images.type)).parameters['overflow'].default
    warm_up, _ = second.param_scheduler
    costs = [cost for cost in head.match_costs if 'DiceCost' in cost.type]
    stated = {
        '`naive_dice=True` in `head.loss_dice`': head.loss_dice.naive_dice and all(cost.naive_dice for cost in costs),
        '| Weight of the empty class | 0.1 |': head.loss_cls.class_weight[-1] == 0.1,
        "`track_score='mean'`": inspect.signature(METRICS.get('VISMetric')).parameters['track_score'].default == 'mean',
        '`train_dataloader.sampler.weights=[1.0, 1.0]`': joint.sampler.weights == [1.0, 1.0],
        "`overflow='drop'`, `max_objects=10`": images.get('overflow', drop) == 'drop' and images.max_objects == 10,
        'as of other layers; none with Swin': 'norm_decay_mult' not in schedule.paramwise_cfg
        and swin.optim_wrapper.paramwise_cfg.norm_decay_mult == 0,
        '| Learning rate of VGGish | a tenth': schedule.paramwise_cfg.custom_keys['audio_encoder.vggish'].lr_mult
        == 0.1,
        '| shorter side 288 to 416 |': {min(scale) for scale in resize.scales} >= {288, 416}
        and {min(scale) for scale in resize.scales} <= set(range(288, 417)),
        '`train_dataloader.dataset.max_gap=1`': second.train_dataloader.dataset.max_gap == videos.max_gap == 1,
        '`ClipMotion` in the pipeline of the COCO data set': 'ClipMotion' in motion,
        '| Clips without audio in training | a fifth |': drop_audio.prob == 0.2,
        'one stage on AVIS': avis.get('previous_stage') is None,
        '| 1,000 iterations, norm 1 |': (warm_up.end, schedule.clip_grad.max_norm) == (1000, 1.0),
    }
    page = PAGE.read_text(encoding='utf-8')
    assert 'YouTubeVIS' in videos.type and 'COCO' in images.type
    assert [text for text, holds in stated.items() if not holds or text not in page] == []
