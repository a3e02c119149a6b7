"""docs/model_zoo.md says what the metafiles say."""

import shutil
from pathlib import Path

from mmrcf.model_index import listed_models


def test_the_page_is_up_to_date(load_script, repository: Path, tmp_path: Path) -> None:
    page = repository / 'docs/model_zoo.md'
    written = Path(shutil.copy(page, tmp_path))
    load_script('tools/misc/model_zoo.py').main(['--page', str(written)])
    assert written.read_text() == page.read_text(), 'run python tools/misc/model_zoo.py'


def test_every_model_is_on_it_and_has_a_command_if_it_has_weights(repository: Path) -> None:
    text = (repository / 'docs/model_zoo.md').read_text()
    for name, model in listed_models().items():
        assert f'[{name}](../{model.config})' in text
        assert (f'my_video.mp4 {name} --out' in text) == (model.weights is not None)
        assert model.weights is None or model.licence
