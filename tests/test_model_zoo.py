"""The model index: every config is listed, weights and figures stand only where they exist, tables equal metafiles."""

import re
from collections.abc import Iterator
from pathlib import Path

import mmdet
import pytest
import torch
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
TABLES = ['README.md', *(path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob('configs/*/README.md'))]


def read_yaml(path: str) -> dict:
    return yaml.safe_load((REPOSITORY / path).read_text(encoding='utf-8'))


METAFILES = read_yaml('model-index.yml')['Import']
LISTED = [model for metafile in METAFILES for model in read_yaml(metafile)['Models']]
MODELS = {model['Name']: model for model in LISTED}


def metrics(model: dict, data: str | None = None) -> dict[str, float]:
    """Every metric of a model by its name, ours or published; of one with several results, those on ``data``."""
    results = model.get('Results') or ([model['Published']] if 'Published' in model else [])
    if len(results) > 1 and data is not None:
        results = [result for result in results if result['Dataset'] == data]
    return {name: value for result in results for name, value in result['Metrics'].items()}


def table_rows(document: str) -> Iterator[tuple[dict, dict[str, str]]]:
    """The rows of a document's tables that name a model: the model, and the cells by the head of their column."""
    head: list[str] = []
    for line in (REPOSITORY / document).read_text(encoding='utf-8').splitlines():
        cells = [cell.strip() for cell in line.strip().strip('|').split('|')] if line.startswith('|') else []
        named = [name for cell in cells for name in re.findall(r'[\w-]+', cell) if name in MODELS]
        if not cells:
            head = []
        elif not head:
            head = cells
        elif named:
            yield MODELS[named[0]], dict(zip(head, cells, strict=True))


def test_the_index_imports_every_metafile() -> None:
    assert sorted(METAFILES) == sorted(
        path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob('configs/*/*.yml')
    )


def test_every_config_is_one_model_of_the_index() -> None:
    assert len(LISTED) == len(MODELS)
    configs = {path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob('configs/[!_]*/**/*.py')}
    listed = {model['Config'] for model in MODELS.values()}
    assert listed == configs, 'enter every config in the metafile.yml of its folder'
    assert all(Path(model['Config']).stem == name for name, model in MODELS.items())


@pytest.mark.parametrize('metafile', METAFILES)
def test_a_collection_has_its_readme(metafile: str) -> None:
    content = read_yaml(metafile)
    names = {collection['Name'] for collection in content['Collections']}
    assert {model['In Collection'] for model in content['Models']} <= names
    for collection in content['Collections']:
        assert (REPOSITORY / collection['README']).is_file()


@pytest.mark.parametrize('name', [name for name, model in MODELS.items() if 'Results' in model and 'Weights' in model])
def test_weights_exist_and_carry_the_figures_of_the_metafile(name: str) -> None:
    model = MODELS[name]
    weights = REPOSITORY / model['Weights']
    assert weights.stat().st_size <= 16 * 2**20
    meta = torch.load(weights, weights_only=True)['meta']
    assert meta['command'] and meta['config'] and meta['dataset_meta']['classes']
    for result in model['Results']:
        (split,) = re.findall(r'\((\w+)\)$', result['Dataset'])  # as in "shapes (test)"
        measured = {re.sub('^(vis|region)/', '', key): value for key, value in meta['metrics'][split].items()}
        for metric, value in result['Metrics'].items():
            assert value == pytest.approx(measured[metric], abs=0.06), (split, metric)


def test_published_weights_and_figures_are_those_of_mmdet_s_model_zoo() -> None:
    folders = [Path(mmdet.__file__).parent / '.mim/configs' / name for name in ('mask2former', 'mask2former_vis')]
    folders.append(folders[0].with_name('masktrack_rcnn'))
    files = [yaml.safe_load((folder / 'metafile.yml').read_text(encoding='utf-8')) for folder in folders]
    zoo = {model['Name']: model for file in files for model in file['Models']}
    published = [model for model in LISTED if 'Published' in model]
    assert len(published) == 18
    for model in published:
        original = zoo[model['Published']['Source'].split(', ')[1]]
        assert model['Weights'] == original['Weights']
        assert model['Published']['Metrics'].items() <= metrics(original).items()


@pytest.mark.parametrize('document', TABLES)
def test_tables_show_the_figures_of_the_metafile(document: str) -> None:
    known = {'AP', 'AP50', 'AP75', 'AR1', 'AR10', 'mask AP', 'PQ'} | {
        name for model in MODELS.values() for name in metrics(model)
    }
    rows = list(table_rows(document))
    assert rows, f'{document}: no row names a model'
    for model, cells in rows:
        for head in known & cells.keys():
            figures = metrics(model, cells.get('data'))
            if head in figures:
                decimals = len(cells[head].partition('.')[2])
                assert float(cells[head]) == pytest.approx(figures[head], abs=0.51 * 10**-decimals), (model, head)
            else:
                assert cells[head] in ('', '-'), f'{document}: {model["Name"]} has {head} without a measurement'
