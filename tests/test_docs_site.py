"""The documentation site: it is built without a warning, dead links included, and its search finds the interface."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_the_site_is_complete(repository: Path, tmp_path: Path) -> None:
    if not os.environ.get('MMRCF_TEST_ALL'):  # of continuous integration, which installs them
        for name in ('sphinx', 'myst_parser', 'furo'):
            pytest.importorskip(name)
    options = re.search(r'-m sphinx (.*) build/docs$', (repository / 'Makefile').read_text(), re.MULTILINE)[1].split()
    command = [sys.executable, '-m', 'sphinx', '-d', str(tmp_path / 'doctrees'), *options, str(tmp_path / 'site')]
    built = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    index = (tmp_path / 'site/searchindex.js').read_text()
    for name in ('OnlineSegmenter', 'RCFInferencer', 'open_source', 'TrackStyle', 'InputError'):
        assert name in index
    pages = {path.stem for path in repository.glob('docs/*.md')}
    assert pages == {path.stem for path in (tmp_path / 'site/docs').glob('*.html')}
