"""The server of the page without a browser: what a visitor may ask of it, as HTTP requests."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import torch

from mmrcf.apis import RCFInferencer
from mmrcf.errors import InputError
from mmrcf.web.limits import Limits
from mmrcf.web.server import serve

pytest.importorskip('gradio')
import httpx  # noqa: E402  (comes with Gradio)
from gradio.route_utils import delete_files_created_by_app  # noqa: E402

from mmrcf.web import page  # noqa: E402
from mmrcf.web.page import DEFAULT_SCORE  # noqa: E402

MODEL = 'shapes'
"""A tiny model with random weights has this name, so that the page has a sample clip."""
PLAIN = 'plain'
OPTIONS = (0.05, 0.5, True, False, False, True, False)
TIMEOUT = 120


class Client:
    """A visitor who writes the requests of the page by hand.

    Attributes:
        session: What the server tells visitors apart by.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip('/')
        self.session = 'session'
        config = json.loads(self.read('config'))
        ids = {part['id']: part['props'].get('elem_id') for part in config['components']}
        self._events = {
            (ids.get(block), event): dependency['id']
            for dependency in config['dependencies']
            for block, event in dependency['targets']
        }

    def read(self, path: str) -> bytes:
        with urllib.request.urlopen(f'{self.address}/{path}', timeout=TIMEOUT) as answer:
            return answer.read()

    def upload(self, path: Path) -> dict:
        """What an event takes for an uploaded file."""
        answer = httpx.post(
            f'{self.address}/gradio_api/upload', files={'files': (path.name, path.read_bytes())}, timeout=TIMEOUT
        )
        return file_data(answer.json()[0])

    def send(self, element: str, event: str, *data: Any) -> dict:
        """The last message about an event with ``data``."""
        body = dict(data=data, fn_index=self._events[element, event], session_hash=self.session)
        request = urllib.request.Request(
            f'{self.address}/gradio_api/queue/join', json.dumps(body).encode(), {'Content-Type': 'application/json'}
        )
        urllib.request.urlopen(request, timeout=TIMEOUT).close()
        messages = self.read(f'gradio_api/queue/data?session_hash={self.session}').decode()
        answers = [json.loads(line.removeprefix('data: ')) for line in messages.splitlines() if line]
        return next(answer for answer in answers if answer['msg'] == 'process_completed')


def file_data(path: str | Path) -> dict:
    return {'path': str(path), 'meta': {'_type': 'gradio.FileData'}}


@pytest.fixture(scope='module')
def app() -> list:
    """The Gradio app that serves ``client``."""
    return []


@pytest.fixture(scope='module')
def client(tiny_config: Path, make_without_threshold: Callable, app: list) -> Iterator[Client]:
    class RecordedPage(page.Page):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            app.append(self.app)

    def build() -> RCFInferencer:
        torch.manual_seed(0)
        return RCFInferencer(tiny_config, cfg_options={'model.score_thr': 0.01})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, 'Page', RecordedPage)
        with serve({MODEL: build, PLAIN: make_without_threshold}, Limits(), port=0) as address:
            yield Client(address)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the server has asked example.org for, which answers everything."""
    urls, resolve = [], socket.getaddrinfo

    def public(host: str, *args: Any, **options: Any) -> list:
        if host == 'example.org':
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, '', ('93.184.216.34', 0))]
        return resolve(host, *args, **options)

    async def answer(_transport: object, request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(200, content=b'content', request=request)

    monkeypatch.setattr(socket, 'getaddrinfo', public)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, 'handle_async_request', answer)
    return urls


def test_the_server_fetches_no_address(client: Client, fetched: list[str]) -> None:
    answer = client.send('rcf-upload', 'change', file_data('http://example.org/clip.mp4'))
    assert not answer['success'] and fetched == []
    with pytest.raises(urllib.error.HTTPError) as refusal:
        client.read(f'gradio_api/file={quote("http://example.org/clip.mp4", safe="")}')
    assert refusal.value.code == 403 and fetched == []


def test_masks_are_those_of_the_run_of_the_session(
    client: Client, tmp_path: Path, write_clip: Callable[..., Path]
) -> None:
    foreign = tmp_path / 'foreign.json'
    foreign.write_text(json.dumps({'annotations': []}))
    upload = client.upload(foreign)
    assert 'masks.zip' not in str(client.send('rcf-masks', 'click', upload)), 'a file that no run has written'
    clip = client.upload(write_clip(tmp_path / 'clip.mp4', frames=2))
    assert 'Done' in str(client.send('rcf-start', 'click', clip, MODEL, *OPTIONS))
    assert 'masks.zip' in str(client.send('rcf-masks', 'click'))
    client.session = 'other'
    assert 'masks.zip' not in str(client.send('rcf-masks', 'click', upload))


def test_the_sample_clip_stays(client: Client, app: list, tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = Path(client.upload(write_clip(tmp_path / 'clip.mp4'))['path'])
    sample = Path(client.send('rcf-sample', 'click', MODEL)['output']['data'][0]['path'])
    delete_files_created_by_app(app[0], 0)
    assert sample.is_file() and not clip.is_file()


def test_a_model_without_a_threshold_has_no_slider(client: Client) -> None:
    answers = [client.send('rcf-model', 'input', name)['output']['data'][1] for name in (MODEL, PLAIN)]
    assert [(answer['visible'], answer['value']) for answer in answers] == [(True, 0.01), (False, DEFAULT_SCORE)]


def test_a_port_is_free_again_when_its_server_has_ended() -> None:
    """Connections that the server has closed are in TIME_WAIT for a minute."""

    def build() -> RCFInferencer:
        raise InputError('built')

    with socket.create_server(('127.0.0.1', 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(('127.0.0.1', port)) as visitor:
            server.accept()[0].close()
            visitor.recv(1)
    with pytest.raises(InputError, match='built'), serve({'own': build}, Limits(), port=port):
        pass
