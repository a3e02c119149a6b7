"""Serves the page from a folder of its own, which is removed at the end, without reaching any other machine."""

import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from mmrcf.apis import RCFInferencer
from mmrcf.errors import InputError
from mmrcf.shipped_models import SHIPPED_MODELS

from .limits import Limits
from .runs import ModelShelf

Builders = dict[str, Callable[[], RCFInferencer]]


@contextlib.contextmanager
def serve(builders: Builders, limits: Limits, host: str = '127.0.0.1', port: int = 7860) -> Iterator[str]:
    """While the block runs, the page is there; yields its address.

    Uploads and results lie in a temporary folder, which is removed with the block. Nothing else can be read through the
    page. Neither server nor page reach another machine.

    Args:
        builders: What makes each model, by the name that the page shows; the first one is chosen at the start.
        limits: What is taken from a visitor.
        host: Address to listen on; '0.0.0.0' is all of them.
        port: The port; 0 for a free one.

    Raises:
        InputError: Gradio is missing, the first model cannot be built, or the port is taken.
    """
    port = _usable_port(host, port)  # before models are built, which takes time
    with tempfile.TemporaryDirectory(prefix='mmrcf-web-', ignore_cleanup_errors=True) as root:
        _confine_gradio(root)
        try:
            _fetch_nothing()
            from .page import Page, launch_options
        except ModuleNotFoundError as error:
            raise InputError(f"web page: {error.name} is not installed; pip install 'mmrcf[web]'") from error
        shelf = ModelShelf(builders)
        shelf.get(shelf.names[0])  # a model that cannot be built is said here, not to visitors
        page = Page(shelf, limits, Path(root), _copied_samples(builders, Path(root))).app
        _, address, _ = page.launch(
            server_name=host, server_port=port, prevent_thread_lock=True, **launch_options(limits)
        )
        try:
            yield address
        finally:
            page.close(verbose=False)


def _confine_gradio(root: str) -> None:
    """Files in ``root`` only, and no word to anybody; Gradio reads this as it is imported and as it runs."""
    os.environ['GRADIO_TEMP_DIR'] = root
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    os.environ['HF_HUB_OFFLINE'] = '1'


def _fetch_nothing() -> None:
    """Gradio fetches any public URL that a visitor names as a file, of any size. All of this goes through safehttpx."""
    import safehttpx

    async def refuse(*_args: object, **_options: object) -> NoReturn:
        raise InputError('URL: this server fetches nothing; upload the file')

    safehttpx.get = safehttpx.async_validate_url = refuse


def _usable_port(host: str, port: int) -> int:
    """``port``, or a free one for 0."""
    try:
        with socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET) as probe:
            if os.name == 'posix':  # as the server: connections of one that has ended do not hold the port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return probe.getsockname()[1]
    except (OSError, OverflowError) as error:
        raise InputError(f'port {port} of {host}: cannot listen there ({error}); give another --port') from error


def _copied_samples(names: Builders, root: Path) -> dict[str, Path]:
    """The sample clips of the shipped models among ``names``, where the page may read them."""
    samples = {}
    for name in names:
        if name in SHIPPED_MODELS and SHIPPED_MODELS[name].sample_path.is_file():
            source = SHIPPED_MODELS[name].sample_path
            samples[name] = root / 'samples' / source.name
            samples[name].parent.mkdir(exist_ok=True)
            shutil.copy(source, samples[name])
    return samples
