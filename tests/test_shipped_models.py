"""Shipped models: names stand for config and weights, and a model whose classes cannot fit warns."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from mmrcf.apis import SHIPPED_MODELS, OnlineSegmenter, RCFInferencer, init_model
from mmrcf.errors import InputError, InputFileError
from mmrcf.model_index import listed_model
from mmrcf.shipped_models import DEFAULT_MODEL, class_mismatch, shipped_model

PRESENT = [model.name for model in SHIPPED_MODELS.values() if model.checkpoint_path.is_file()]


@pytest.mark.parametrize('name', PRESENT)
def test_the_table_is_that_of_the_model_index(name: str, repository: Path) -> None:
    model = SHIPPED_MODELS[name]
    index = yaml.safe_load((repository / 'model-index.yml').read_text())['Import']
    listed = [entry for metafile in index for entry in yaml.safe_load((repository / metafile).read_text())['Models']]
    assert [entry['Weights'] for entry in listed if entry['Config'] == model.config] == [model.checkpoint]
    alias = listed_model(name)
    assert (alias.config_path, alias.checkpoint()) == (model.config_path, str(model.checkpoint_path))
    meta = torch.load(model.checkpoint_path, weights_only=True)['meta']
    assert tuple(meta['dataset_meta']['classes']) == model.classes


def test_every_weights_file_of_the_index_has_a_name(repository: Path) -> None:
    index = yaml.safe_load((repository / 'model-index.yml').read_text())['Import']
    listed = [entry for metafile in index for entry in yaml.safe_load((repository / metafile).read_text())['Models']]
    weights = {entry['Weights'] for entry in listed if '://' not in entry.get('Weights', '://')}
    assert weights == {SHIPPED_MODELS[name].checkpoint for name in PRESENT}


def test_the_default_is_for_ordinary_video() -> None:
    assert SHIPPED_MODELS[DEFAULT_MODEL].classes == ('person', 'animal', 'vehicle')


def test_a_name_is_a_config_and_its_weights() -> None:
    by_name = init_model('shapes').state_dict()
    model = SHIPPED_MODELS['shapes']
    by_files = init_model(model.config_path, model.checkpoint_path).state_dict()
    assert by_name.keys() == by_files.keys() and all(torch.equal(by_name[key], by_files[key]) for key in by_name)
    assert OnlineSegmenter('shapes').classes == RCFInferencer('shapes').segmenter.classes == model.classes


def test_a_name_takes_no_checkpoint() -> None:
    with pytest.raises(InputError, match=r"my\.pth.*'shapes' has its own weights.*configs/shapes/rcf_r18_shapes\.py"):
        init_model('shapes', 'my.pth')


def test_unknown_names_and_missing_files_are_named() -> None:
    with pytest.raises(InputError, match='model forms: no such shipped model; choose from real, shapes, shapes-av'):
        shipped_model('forms')
    with pytest.raises(InputFileError, match=r'model shapes: .*demo/gone\.pth is missing'):
        replace(SHIPPED_MODELS['shapes'], checkpoint='demo/gone.pth').files()


@pytest.mark.parametrize('name', ['shapes', 'shapes-av'])
def test_a_synthetic_model_warns_of_every_input_but_its_clips(name: str, repository: Path, tmp_path: Path) -> None:
    model = SHIPPED_MODELS[name]
    assert class_mismatch(model.classes, repository / 'demo/shapes.mp4') is None
    assert class_mismatch(model.classes, shutil.copy(repository / 'demo/shapes.mp4', tmp_path / 'copy.mp4')) is None
    for source in ('holiday.mp4', 0, 'rtsp://camera/1', tmp_path, tmp_path / 'shapes.mp4', 'clip/*.jpg'):
        line = class_mismatch(model.classes, source)
        assert 'synthetic shapes only' in line and '--model real' in line and '\n' not in line


def test_other_models_warn_of_the_synthetic_clips_only(repository: Path) -> None:
    real = SHIPPED_MODELS['real'].classes
    assert class_mismatch(real, 'holiday.mp4') is None
    assert '--model shapes-av' in class_mismatch(real, repository / 'demo/shapes_av.mp4')
    assert '--model shapes)' in class_mismatch(real, repository / 'demo/shapes.mp4')
    assert class_mismatch((), 'holiday.mp4') is None, 'classes are unknown'
    assert class_mismatch(('star', 'ring'), 'holiday.mp4') is None, 'real stars and rings'


def test_the_inferencer_logs_the_mismatch_once(
    tmp_path: Path, write_clip: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    inferencer = RCFInferencer('shapes')
    clip = write_clip(tmp_path / 'clip.mp4', frames=2)
    for run in (lambda: inferencer(clip), lambda: list(inferencer.stream(clip))):
        caplog.clear()
        run()
        messages = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert [message for message in messages if 'synthetic shapes only' in message] == messages != []


def test_the_documents_list_every_model(repository: Path) -> None:
    text = (repository / 'docs/your_own_video.md').read_text()
    for model in SHIPPED_MODELS.values():
        assert f'| `{model.name}` | {model.purpose}' in text and f'`{model.sample}`' in text
