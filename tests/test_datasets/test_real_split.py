"""configs/real: what is tested is in no training, neither as clips nor as what is pasted into them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mmengine.config import Config, ConfigDict

from mmrcf.datasets.annotations.view import read_names

REPOSITORY = Path(__file__).resolve().parents[2]
FAMILY = sorted((REPOSITORY / 'configs/real').rglob('*.py'))
IMAGES = 'configs/real/validation_images.txt'
SEQUENCES = ['bear', 'boat', 'dog-agility', 'hike', 'scooter-gray', 'tennis']


def trained(node: ConfigDict) -> Iterator[ConfigDict]:
    """The data sets of a joint one, and those that are pasted from."""
    if 'datasets' not in node:
        yield node
    parts = list(node.get('datasets', ()))
    parts += [source for step in node.get('pipeline') or () for source in step.get('sources', ())]
    for part in parts:
        yield from trained(part)


@pytest.mark.parametrize('path', FAMILY, ids=lambda path: path.stem)
def test_what_is_tested_is_not_trained(path: Path) -> None:
    config = Config.fromfile(path)
    nodes = list(trained(config.train_dataloader.dataset))
    held_out = {
        'data/coco/': IMAGES,
        'data/davis/': SEQUENCES,
        'data/stills/': None,
        'data/youtube_vis_2019/': None,
    }
    assert len(nodes) > 1
    for node in nodes:
        assert node.get('exclude') == held_out[node.data_root]
    tested = [part.dataset for part in (config.val_dataloader, config.test_dataloader)]
    truths = [metric.ann_file for part in (config.val_evaluator, config.test_evaluator) for metric in part]
    for part in config.test_sets.values():
        tested.append(part.dataloader.dataset)
        truths += [metric.ann_file for metric in part.evaluator]
    for node in (*tested, *truths):
        assert node.only == (IMAGES if 'coco' in node.get('data_root', node.ann_file) else SEQUENCES)


def test_the_list_has_150_images() -> None:
    assert len(read_names(REPOSITORY / IMAGES, 'only')) == 150  # read_names refuses a name that is a duplicate
