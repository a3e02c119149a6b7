"""Checkpoints by address and by the name of a model: downloaded once, checked by the hash in the name, or one line."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
import torch

from mmrcf import model_index
from mmrcf.apis import init_model
from mmrcf.engine.checkpoint import find_checkpoint, read_checkpoint
from mmrcf.errors import InputError, InputFileError
from mmrcf.model_index import ListedModel, listed_model, listed_models
from mmrcf.models.checkpoint_file import HASHED_NAME


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """A server of a folder: its address, the folder, and the paths that were asked for."""
    folder, asked = tmp_path / 'served', []
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args) -> None:
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler) as http_server:
        threading.Thread(target=http_server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{http_server.server_address[1]}', folder, asked
        http_server.shutdown()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    return tmp_path / 'hub/checkpoints'


def serve(folder: Path, content: dict, name: str = 'model-{}.pth') -> str:
    """Write a checkpoint under a name with its hash; the name."""
    torch.save(content, folder / 'file')
    digest = hashlib.sha256((folder / 'file').read_bytes()).hexdigest()
    name = name.format(digest[:8])
    (folder / 'file').rename(folder / name)
    return name


def test_an_address_is_downloaded_once_and_read(server, cache: Path, capfd) -> None:
    address, folder, asked = server
    name = serve(folder, dict(state_dict=dict(x=torch.ones(2)), meta=dict(epoch=3)))
    for _ in range(2):
        content = read_checkpoint(f'{address}/{name}')
        assert content['state_dict']['x'].tolist() == [1, 1] and content['meta'] == dict(epoch=3)
    assert len(asked) == 1
    assert [path.name for path in cache.iterdir()] == [name]
    assert '100%' in capfd.readouterr().err


def test_a_file_of_another_hash_is_refused_before_it_is_read(server, cache: Path) -> None:
    address, folder, _ = server
    name = serve(folder, dict(x=torch.ones(2)), 'model-0123abcd.pth')
    for _ in range(2):
        with pytest.raises(InputError, match='its SHA-256 does not begin with 0123abcd') as info:
            read_checkpoint(f'{address}/{name}')
        assert str(cache / name) in str(info.value) and '\n' not in str(info.value)


class Payload:
    def __reduce__(self) -> tuple:
        return (print, ('this code must not run',))


def test_nothing_of_a_download_is_run(server, cache: Path, capfd) -> None:
    address, folder, _ = server
    name = serve(folder, dict(x=Payload()))
    with pytest.raises(InputError, match='holds Python objects'):
        read_checkpoint(f'{address}/{name}')
    assert 'must not run' not in capfd.readouterr().out


def test_without_the_server_one_line_says_what_to_fetch_and_where_to_put_it(server, cache: Path) -> None:
    address, _, _ = server
    for url in (f'{address}/gone.pth', 'http://127.0.0.1:9/model.pth'):
        with pytest.raises(InputFileError, match='cannot be downloaded') as info:
            read_checkpoint(url)
        message = str(info.value)
        assert url in message and f'put it at {cache / Path(url).name}' in message and '\n' not in message
    assert not [path for path in cache.iterdir() if not path.name.startswith('.')]


@pytest.mark.parametrize('name', [name for name, model in listed_models().items() if '://' in str(model.weights)])
def test_a_public_model_without_a_network_says_what_to_fetch(
    name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object) -> None:
        raise URLError(OSError(101, 'Network is unreachable'))

    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)
    with pytest.raises(InputFileError, match='cannot be downloaded .*Network is unreachable') as info:
        find_checkpoint(name)
    address = listed_models()[name].weights
    assert str(info.value).count(address) == 1 and f'put it at {cache / Path(address).name}' in str(info.value)
    assert HASHED_NAME.search(address), 'a download is checked by the hash in its name'


def test_a_file_that_was_put_there_is_used(cache: Path) -> None:
    cache.mkdir(parents=True)
    torch.save(dict(x=torch.ones(1)), cache / 'model.pth')
    assert find_checkpoint('http://127.0.0.1:9/folder/model.pth') == cache / 'model.pth'


def test_the_name_of_a_model_is_its_config_and_its_weights(
    server, cache: Path, tiny_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder, asked = server
    weights = init_model(tiny_config).state_dict()
    name = serve(folder, dict(state_dict=weights))
    model = ListedModel('tiny', 'Tiny', str(tiny_config), f'{address}/{name}', {}, '')
    monkeypatch.setattr(model_index, 'listed_models', lambda: {'tiny': model})
    loaded = init_model('tiny').state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in weights.items())
    init_model(tiny_config, 'tiny')
    assert len(asked) == 1


def test_a_name_that_no_model_has_is_answered_with_close_ones() -> None:
    with pytest.raises(InputError, match='model minvis_r5_coco: no such file, and no model .* are minvis_r50_coco,'):
        init_model('minvis_r5_coco')
    with pytest.raises(InputError, match='model reel: .*; close names are real$'):
        init_model('reel')


def test_every_model_of_the_metafiles_is_listed() -> None:
    models = listed_models()
    assert models['minvis_r50_coco'].checkpoint().startswith('https://download.openmmlab.com/')
    assert models['minvis_r50_coco'].licence == 'Apache-2.0'
    assert Path(models['rcf_r18_shapes'].checkpoint()).is_file()
    assert all(model.config_path.is_file() for model in models.values())
    with pytest.raises(InputError, match='model rcf_r50_ytvis19: has no weights; train configs/rcf/rcf_r50_ytvis19.py'):
        models['rcf_r50_ytvis19'].checkpoint()


def test_a_file_comes_before_a_model_of_its_name(in_tmp_path: Path) -> None:
    assert listed_model('minvis_r50_coco') is not None
    Path('minvis_r50_coco').touch()
    assert listed_model('minvis_r50_coco') is None and listed_model('other') is None
