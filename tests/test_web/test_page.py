"""The page in a real browser, served by the real command."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mmrcf.media import open_source

pytestmark = pytest.mark.slow
SECONDS = 120.0
"""A slow machine is no failure."""


@pytest.fixture(scope='module')
def address(repository: Path, tmp_path_factory: pytest.TempPathFactory, browsers: Callable) -> Iterator[str]:
    """The page with the model of shapes alone, and what it left behind at the end: nothing."""
    folder = tmp_path_factory.mktemp('server')
    files = [repository / name for name in ('configs/shapes/rcf_r18_shapes.py', 'demo/checkpoints/rcf_r18_shapes.pth')]
    server = subprocess.Popen(
        [sys.executable, str(repository / 'demo/web_demo.py'), *map(str, files), '--port', '0'],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ | {'PYTHONPATH': str(repository), 'TMPDIR': str(folder)},
    )
    try:
        yield re.search(r'http://[\d.:]+', server.stdout.readline())[0]
    finally:
        server.terminate()
        server.wait(60)
    assert list(folder.iterdir()) == []


class Visitor:
    """A browser on the page."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser = browser
        browser.get(address)
        self.wait(lambda: self.find('#rcf-start').is_displayed() and 'Detects' in self.find('#rcf-model').text)

    def find(self, selector: str) -> Any:
        return self.browser.find_element('css selector', selector)

    def wait(self, condition: Callable[[], Any]) -> Any:
        """The first value of ``condition`` that is true; elements may come and go meanwhile."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                if value := condition():
                    return value
            except Exception as error:
                if 'selenium' not in type(error).__module__:
                    raise
            time.sleep(0.1)
        pytest.fail(f'{self.status!r} after {SECONDS:g} s')

    @property
    def status(self) -> str:
        return self.find('#rcf-status').text

    def upload(self, path: Path) -> None:
        self.find('#rcf-upload input[type=file]').send_keys(str(path))
        self.wait(lambda: path.name in self.status)

    def start(self) -> None:
        self.find('#rcf-start').click()
        self.wait(lambda: 'Running' in self.status and self.find('#rcf-viewer img').get_attribute('src'))

    def frame(self) -> int:
        """Number of frames that the page says are done."""
        return int(re.search(r'frame (\d+)', self.status)[1])

    def download(self, selector: str, folder: Path, name: str) -> Path:
        self.wait(lambda: self.find(selector).is_displayed())
        self.find(selector).click()
        self.wait(lambda: (folder / name).is_file())
        return folder / name

    def hosts(self) -> set[str]:
        """The machines that the page has asked for anything."""
        messages = [json.loads(entry['message'])['message'] for entry in self.browser.get_log('performance')]
        urls = [m['params']['request']['url'] for m in messages if m['method'] == 'Network.requestWillBeSent']
        return {urlsplit(url).hostname for url in urls if url.startswith(('http', 'ws'))}


@pytest.fixture
def visit(browsers: Callable, address: str, tmp_path: Path) -> Iterator[Callable[[], Visitor]]:
    """``visit()``: a new visitor, whose downloads go to ``tmp_path``."""
    with ExitStack() as opened:

        def start() -> Visitor:
            browser = browsers(tmp_path)
            opened.callback(browser.quit)
            return Visitor(browser, address)

        yield start


def test_stop_rerun_and_download(visit: Callable[[], Visitor], repository: Path, tmp_path: Path) -> None:
    visitor = visit()
    visitor.upload(repository / 'demo/shapes.mp4')
    visitor.start()
    assert visitor.frame() < 90, 'masks are seen before the end'
    visitor.find('#rcf-stop').click()
    visitor.wait(lambda: 'Stopped' in visitor.status)
    stopped = visitor.frame()
    tracks = json.loads(visitor.download('#rcf-json-file', tmp_path, 'tracks.json').read_text())
    assert tracks['videos'][0]['length'] == stopped and tracks['annotations']
    with open_source(visitor.download('#rcf-video-file', tmp_path, 'tracks.mp4')) as video:
        assert sum(1 for _ in video) == stopped
    bars = visitor.browser.find_elements('css selector', '[data-time]')
    assert len(bars) >= len(tracks['annotations'])
    latest = max(bars, key=lambda bar: float(bar.get_attribute('data-time')))
    latest.click()
    time_shown = visitor.browser.execute_script("return document.querySelector('#rcf-result video').currentTime")
    assert time_shown == pytest.approx(float(latest.get_attribute('data-time')), abs=0.01)

    score = visitor.find('#rcf-score input[type=number]')
    visitor.browser.execute_script('arguments[0].select()', score)
    score.send_keys('0.05\t')
    visitor.start()
    visitor.wait(lambda: visitor.frame() >= 2 or 'Done' in visitor.status)
    visitor.find('#rcf-stop').click()
    visitor.wait(lambda: 'Stopped' in visitor.status or 'Done' in visitor.status)
    (tmp_path / 'tracks.json').unlink()
    again = json.loads(visitor.download('#rcf-json-file', tmp_path, 'tracks.json').read_text())
    # What a threshold does is tested without a browser; here, that a run starts again from the first frame with it.
    assert again['annotations'] and again['videos'][0]['length'] == visitor.frame()
    assert float(visitor.find('#rcf-score input[type=number]').get_attribute('value')) == 0.05
    (tmp_path / 'broken.mp4').write_bytes(bytes(99))
    visitor.find('#rcf-upload [aria-label="Clear"]').click()
    visitor.upload(tmp_path / 'broken.mp4')
    visitor.wait(lambda: visitor.find('[role=alert]').is_displayed())
    left = visitor.browser.find_elements('css selector', '#rcf-json-file, #rcf-video-file, #rcf-result')
    assert not any(element.is_displayed() for element in left), 'files of another upload'
    assert visitor.hosts() == {'127.0.0.1'}


def test_two_visitors_at_once(visit: Callable[[], Visitor], tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    visitors = [visit(), visit()]
    sizes = [(160, 96), (96, 160)]
    for number, (visitor, (width, height)) in enumerate(zip(visitors, sizes, strict=True)):
        visitor.upload(write_clip(tmp_path / f'clip{number}.mp4', frames=12 + number, width=width, height=height))
    for visitor in visitors:
        visitor.find('#rcf-start').click()
    for number, (visitor, size) in enumerate(zip(visitors, sizes, strict=True)):
        visitor.wait(lambda visitor=visitor: 'Done' in visitor.status)
        assert visitor.frame() == 12 + number
        tracks = json.loads(visitor.download('#rcf-json-file', tmp_path, 'tracks.json').read_text())
        assert (tracks['videos'][0]['width'], tracks['videos'][0]['height']) == size
        (tmp_path / 'tracks.json').unlink()


def test_a_broken_upload_is_explained_in_the_page(visit: Callable[[], Visitor], tmp_path: Path, address: str) -> None:
    broken = tmp_path / 'broken.mp4'
    broken.write_bytes(b'no video at all' * 100)
    visitor = visit()
    visitor.upload(broken)
    message = visitor.wait(lambda: visitor.find('[role=alert]').text)
    assert 'broken.mp4' in message and '/' not in message, 'no folder of the server'
    visitor.find('#rcf-start').click()
    visitor.wait(lambda: 'broken.mp4' in visitor.find('[role=alert]').text)


def test_the_camera_of_the_browser(visit: Callable[[], Visitor]) -> None:
    visitor = visit()
    tabs = visitor.browser.find_elements('css selector', '[role=tab]')
    next(tab for tab in tabs if tab.text == 'Camera').click()
    for button in ('[title="grant webcam access"] button', '.capture-button'):
        visitor.wait(lambda button=button: visitor.find(f'#rcf-camera {button}').click() is None)
    visitor.wait(lambda: 'Live' in visitor.status and visitor.frame() >= 3)


@pytest.mark.parametrize('path', ['/etc/passwd', str(Path(__file__).resolve()), 'setup.py', '../../etc/passwd'])
def test_no_file_of_the_server_can_be_read(address: str, path: str) -> None:
    for route in ('gradio_api/file=', 'file=', 'gradio_api/file/'):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(f'{address}/{route}{path}', timeout=20)
        assert refusal.value.code in (403, 404)
