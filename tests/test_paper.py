"""docs/paper.md: links to code have the lines of now, keys and their defaults are those of the reference config."""

import ast
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from mmrcf.engine.config import load_config
from mmrcf.errors import InputError
from mmrcf.registry import DATASETS, METRICS, MODELS

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / 'docs/paper.md'
REFERENCE = REPOSITORY / 'configs/rcf/rcf_r101_ytvis19.py'
STAGES = ('r101_coco-ytvis19', 'r101_ytvis19', 'swin-b_ytvis19')
"""A first stage, a second one, and one with Swin."""
# `neck.position_mode='attention'` in the column of keys, and the other values beside it.
KEY = re.compile(r'`(?P<key>(?:model|neck|mask_decoder|head|tracker|backbone)\.[\w.]+)=(?P<value>[^`]+)`')
OTHER = re.compile(r'`(\'\w+\'|True|False)`')


@pytest.fixture(scope='module')
def link_lines(load_script) -> ModuleType:
    return load_script('tools/misc/link_lines.py')


def choices() -> list[tuple[str, object, list[object]]]:
    """Key, default and other values of each row that names a key of the model."""
    section = PAGE.read_text(encoding='utf-8').split('## Choices')[1]
    rows = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip('|').split(' | ')]
        if len(cells) == 4:
            others = [ast.literal_eval(value) for value in OTHER.findall(cells[3])]
            rows += [(match['key'], ast.literal_eval(match['value']), others) for match in KEY.finditer(cells[2])]
    return rows


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
    node = load_config(REFERENCE).model
    *parents, name = key.removeprefix('model.').split('.')
    for parent in parents:
        node = node[parent]
    if name in node:
        assert node[name] == default
        return
    if parents and parents[-1] in ('encoder', 'decoder'):
        from mmrcf.models.layers import TransformerEncoder as constructor
    else:
        constructor = MODELS.get(node.type)
    parameters = inspect.signature(constructor).parameters
    assert name in parameters and parameters[name].default == default


def test_the_choices_were_read() -> None:
    keys = [key for key, _, _ in choices()]
    assert len(keys) >= 23 and {'neck.position_mode', 'head.decoder.norm_first', 'tracker.start_score'} <= set(keys)


def test_the_other_defaults_are_those_of_the_recipe() -> None:
    """Rows whose key is no field of a part with a constructor of ours: the page's text, and what it says."""
    first, second, swin = (load_config(REFERENCE.with_name(f'rcf_{name}.py')) for name in STAGES)
    joint, head, schedule = first.train_dataloader, second.model.head, second.optim_wrapper
    videos, images = joint.dataset.datasets
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
        '| 1,000 iterations, norm 1 |': (warm_up.end, schedule.clip_grad.max_norm) == (1000, 1.0),
    }
    page = PAGE.read_text(encoding='utf-8')
    assert 'YouTubeVIS' in videos.type and 'COCO' in images.type
    assert [text for text, holds in stated.items() if not holds or text not in page] == []
