"""A page to drop a video on. :func:`serve` needs Gradio: ``pip install 'mmrcf[web]'``."""

from .runs import LiveStream, ModelShelf, Progress, Run, RunOptions
from .server import serve
from .tracks import TrackTable, write_masks
from .uploads import Limits, prepare_upload

__all__ = [
    'Limits',
    'LiveStream',
    'ModelShelf',
    'Progress',
    'Run',
    'RunOptions',
    'TrackTable',
    'prepare_upload',
    'serve',
    'write_masks',
]
