"""Take the pictures of docs/web_page.md: the page at its start, running, done, with an error, and on a phone.

It needs the extra ``web``, Selenium, and Chromium with its driver.

``python tools/misc/page_pictures.py demo/photographs.mp4 --out docs/images``
"""

import argparse
import base64
import itertools
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmrcf.command_line import start_program
from mmrcf.errors import InputError, exit_on_bad_input

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

DESKTOP, PHONE = (1280, 960), (390, 844)
"""Width and height in pixels."""
SECONDS = 300.0
RUNNING_FRAME = 40
"""The frame at which the running page is taken; the page shows it only if more follow."""


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Take the pictures of the page')
    parser.add_argument('clip', type=Path, help='video of some seconds that is dropped on the page')
    parser.add_argument('--out', type=Path, required=True, metavar='FOLDER', help='for web_start.jpg and its like')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.media import open_source
from mmrcf.utils import atomic_output, counted, require_file
from mmrcf.web.__main__ import model_builders
from mmrcf.web.__main__ import parse_args as page_args
from mmrcf.web.limits import Limits
from mmrcf.web.server import serve


class Photographer:
    """A browser on the page.

    Args:
        browser: Has opened it.
        folder: For the pictures.
    """

    def __init__(self, browser: 'Chrome', folder: Path) -> None:
        self.browser = browser
        self._folder = folder

    def find(self, selector: str) -> Any:
        """The first element that a CSS selector fits."""
        return self.browser.find_element('css selector', selector)

    def wait(self, condition: Callable[[], Any]) -> None:
        """Until ``condition`` is true; elements may come and go meanwhile."""
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.browser, SECONDS, 0.1, [WebDriverException]).until(lambda _: condition())

    def status(self) -> str:
        """What the page says of the run."""
        return self.find('#rcf-status').text

    def upload(self, path: Path) -> None:
        """Drop a file, in place of the one before, and wait for the word on it."""
        self.find('#rcf-upload input[type=file]').send_keys(str(path.resolve()))
        self.wait(lambda: path.name in self.status())

    def take(self, name: str, size: tuple[int, int] = DESKTOP, top: str = '') -> None:
        """Write ``web_<name>.jpg``: the page in a window of ``size``, from its top or from the element ``top`` on."""
        width, height = size
        metrics = dict(width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', metrics)
        self.browser.execute_script(
            'const e = arguments[0] && document.querySelector(arguments[0]);'
            'window.scrollTo(0, e ? e.getBoundingClientRect().top + window.scrollY - 8 : 0);',
            top,
        )
        time.sleep(1)  # transitions
        content = self.browser.execute_cdp_cmd('Page.captureScreenshot', dict(format='jpeg', quality=85))['data']
        with atomic_output(self._folder / f'web_{name}.jpg') as temporary:
            temporary.write_bytes(base64.b64decode(content))


def require_frames(clip: Path, least: int) -> None:
    """Raise :class:`InputError` if a video has fewer than ``least`` frames."""
    with open_source(clip) as source:
        frames = sum(1 for _ in itertools.islice(source, least))
    if frames < least:
        raise InputError(
            f'clip {clip}: has {counted(frames, "frame")}, expected at least {least}, since the page is taken while it '
            'runs; give a longer one'
        )


def take_pictures(photographer: Photographer, clip: Path) -> None:
    """Go through the states of the page."""
    page = photographer
    page.wait(lambda: 'Detects' in page.find('#rcf-model').text)
    page.take('start')
    page.upload(clip)
    page.find('#rcf-start').click()
    page.wait(lambda: any(int(number) >= RUNNING_FRAME for number in re.findall(r'frame (\d+)', page.status())))
    page.take('running')
    page.wait(lambda: 'Done' in page.status() and page.find('#rcf-result video').is_displayed())
    page.take('done')
    page.take('phone', PHONE, top='#rcf-result')
    with tempfile.TemporaryDirectory() as folder:
        broken = Path(folder, 'holiday.mp4')
        broken.write_bytes(bytes(4096))
        page.find('#rcf-upload [aria-label="Clear"]').click()
        page.upload(broken)
        page.take('error')


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the page and take its pictures."""
    args = parse_args(arguments)
    require_file(args.clip, 'clip')
    require_frames(args.clip, 2 * RUNNING_FRAME)
    try:
        from selenium.webdriver import Chrome, ChromeOptions, ChromeService
    except ModuleNotFoundError as error:
        raise InputError('Selenium is not installed; pip install selenium') from error
    browser, driver = shutil.which('chromium'), shutil.which('chromedriver')
    if browser is None or driver is None:
        raise InputError('no Chromium with its chromedriver: apt-get install chromium chromium-driver')
    options = ChromeOptions()
    options.binary_location = browser
    for argument in ('--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars'):
        options.add_argument(argument)
    builders = model_builders(page_args([]))
    with serve(builders, Limits(), port=0) as address, Chrome(options, ChromeService(driver)) as chrome:
        chrome.get(address)
        take_pictures(Photographer(chrome, args.out), args.clip)
    print(f'wrote {args.out}/web_*.jpg')


if __name__ == '__main__':
    main()
