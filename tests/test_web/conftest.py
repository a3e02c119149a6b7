import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mmrcf.apis import RCFInferencer
from mmrcf.models import RCF

REQUIRED = 'MMRCF_TEST_ALL'
"""Set in continuous integration: a missing browser is a failure there, and a reason to skip elsewhere."""
BROWSERS = ('chromium', 'chromium-browser', 'google-chrome')


class RCFWithoutThreshold(RCF):
    """An RCF that has ``score_thr`` during a step only."""

    def step_batch(self, *args: Any) -> Any:
        self.score_thr = 0.01
        try:
            return super().step_batch(*args)
        finally:
            del self.score_thr


@pytest.fixture(scope='session')
def make_without_threshold(tiny_config: Path) -> Callable[[], RCFInferencer]:
    """``make_without_threshold()``: a tiny model that has no threshold to set, like ``OnlineMaskTrackRCNN``."""

    def make() -> RCFInferencer:
        torch.manual_seed(0)
        inferencer = RCFInferencer(tiny_config)
        inferencer.segmenter.model.__class__ = RCFWithoutThreshold
        del inferencer.segmenter.model.score_thr
        return inferencer

    return make


def skip_or_fail(reason: str) -> None:
    (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)(reason)


@pytest.fixture(scope='session')
def browsers() -> Callable:
    """``browsers(folder)``: a new headless Chromium; downloads go to the folder, the camera shows a test picture.

    Who opens one quits it: an open page with a camera takes half a core.
    """
    try:
        import gradio  # noqa: F401
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ModuleNotFoundError as error:
        skip_or_fail(f'{error.name} is not installed: make test-env')
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which('chromedriver')
    if browser is None or driver is None:
        skip_or_fail('no Chromium with its chromedriver: apt-get install chromium chromium-driver')

    def start(downloads: Path) -> 'webdriver.Chrome':
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        options.add_experimental_option('prefs', {'download.default_directory': str(downloads)})
        options.set_capability('goog:loggingPrefs', {'performance': 'ALL'})
        for argument in (
            '--headless=new',
            '--no-sandbox',
            '--disable-dev-shm-usage',
            '--disable-gpu',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
            '--no-first-run',
            '--window-size=1280,1000',
            '--use-fake-device-for-media-stream',
            '--use-fake-ui-for-media-stream',
        ):
            options.add_argument(argument)
        return webdriver.Chrome(options=options, service=Service(driver))

    return start
