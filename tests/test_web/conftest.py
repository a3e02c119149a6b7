import os
from collections.abc import Iterator
from pathlib import Path

import pytest

REQUIRED = 'MMRCF_REQUIRE_BROWSER'
"""Set in continuous integration: a missing browser is a failure there, and a reason to skip elsewhere."""
CHROMIUM = (Path('/usr/bin/chromium'), Path('/usr/bin/chromedriver'))


def skip_or_fail(reason: str) -> None:
    (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)(reason)


@pytest.fixture(scope='session')
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """``browsers(folder)``: a new headless Chromium; downloads go to the folder, the camera shows a test picture."""
    try:
        import gradio  # noqa: F401
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ModuleNotFoundError as error:
        skip_or_fail(f"{error.name} is not installed: pip install -e '.[web,browser]'")
    if missing := [str(path) for path in CHROMIUM if not path.exists()]:
        skip_or_fail(f'no {" and no ".join(missing)}: apt-get install chromium chromium-driver')
    opened = []

    def start(downloads: Path):
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM[0])
        options.add_experimental_option('prefs', {'download.default_directory': str(downloads)})
        options.set_capability('goog:loggingPrefs', {'performance': 'ALL'})
        for argument in (
            '--headless=new',
            '--no-sandbox',
            '--disable-dev-shm-usage',
            '--disable-gpu',
            '--window-size=1280,1000',
            '--use-fake-device-for-media-stream',
            '--use-fake-ui-for-media-stream',
        ):
            options.add_argument(argument)
        opened.append(webdriver.Chrome(options=options, service=Service(str(CHROMIUM[1]))))
        return opened[-1]

    yield start
    for browser in opened:
        browser.quit()
