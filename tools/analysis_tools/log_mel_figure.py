"""The log-mel spectrogram of a clip (Fig. 6), and which part of it the audio encoder gets at one frame."""

import argparse
import math
from contextlib import closing
from itertools import islice
from pathlib import Path

import matplotlib
import numpy as np
from figure_options import FORMATS

from mmrcf.audio import AudioWindow
from mmrcf.audio.file import AudioReader
from mmrcf.audio.log_mel import HOP, MEL_BANDS, MEL_RANGE, PATCH_FRAMES, PATCH_SAMPLES, SAMPLE_RATE
from mmrcf.errors import InputError
from mmrcf.media import open_source
from mmrcf.models import RCF
from mmrcf.utils import atomic_output, require_file

matplotlib.use('Agg')
from matplotlib import pyplot  # noqa: E402  (the backend comes first)

TICKS = (125, 500, 1000, 2000, 4000, 7500)
HERTZ_OF_THE_KNEE, MEL_FACTOR = 700, 1127


def spectrogram(window: AudioWindow) -> tuple[np.ndarray, float]:
    """The log-mel patches of a window one after the other, as the audio encoder would get them.

    Returns:
        (64, F) float32, a column every 10 ms; and the time in seconds that they cover.
    """
    hop = PATCH_FRAMES * HOP / SAMPLE_RATE
    patches = [
        window.patch(PATCH_SAMPLES / SAMPLE_RATE + index * hop)[0].numpy()
        for index in range(max(1, math.ceil(window.end_time / hop)))
    ]
    columns = max(1, round(window.end_time * SAMPLE_RATE / HOP))
    return np.concatenate(patches)[:columns].T, columns * HOP / SAMPLE_RATE


def frame_times(args: argparse.Namespace, number: int) -> list[float]:
    """The times in seconds of ``number`` frames of the input that end with frame ``args.frame``, or the last one."""
    with open_source(args.input, fps=args.fps) as source:
        times = [frame.time for frame in islice(source, args.frame + 1)]
    return times[-number:]


def draw_log_mel(args: argparse.Namespace, model: RCF) -> None:
    """Write ``args.out``: the waveform and the log-mel spectrogram of ``args.input``.

    The span that the audio encoder of an audio-visual model gets at frame ``args.frame`` is marked.

    Raises:
        InputError: The input has no audio, or the output is no image.
    """
    if Path(args.out).suffix not in FORMATS:
        raise InputError(f'output {args.out}: expected a name that ends in one of {", ".join(FORMATS)}')
    path = args.input if args.audio in ('auto', 'none') else args.audio
    with closing(AudioReader.open(str(require_file(path, 'audio')), None, f'audio {path}')) as reader:
        chunks = list(reader.chunks())
    window = AudioWindow.empty().extend(chunks)
    if window.end_time is None:
        raise InputError(f'audio {path}: holds no audio; give a file that does')
    values, seconds = spectrogram(window)
    samples = np.concatenate([run.samples for run in window.runs])
    times = np.concatenate([np.arange(run.first, run.end) / window.sample_rate for run in window.runs])
    figure, (wave, mel) = pyplot.subplots(
        2, 1, sharex=True, figsize=(6.4, 3.6), height_ratios=(1, 2.5), layout='constrained'
    )
    wave.plot(times, samples, linewidth=0.3, color='black')
    wave.set(ylabel='waveform', yticks=[])
    picture = mel.imshow(values, origin='lower', aspect='auto', extent=(0, seconds, 0, MEL_BANDS), cmap='magma')
    edges = MEL_FACTOR * np.log1p(np.array((*MEL_RANGE, *TICKS)) / HERTZ_OF_THE_KNEE)
    places = MEL_BANDS * (edges[2:] - edges[0]) / (edges[1] - edges[0])
    mel.set(xlabel='seconds', ylabel='Hz', yticks=places, yticklabels=TICKS, xlim=(0, max(seconds, times[-1])))
    figure.colorbar(picture, ax=mel, label='log(mel + 0.01)', pad=0.01)
    if model.uses_audio:
        ends = frame_times(args, 1 + model.neck.num_references)
        start = ends[0] - PATCH_SAMPLES / SAMPLE_RATE
        for axis in (wave, mel):
            axis.axvspan(start, ends[-1], facecolor='none', edgecolor='cyan', linewidth=1.5)
        wave.set_title(f'cyan: the {len(ends)} patches that the model gets at {ends[-1]:.2f} s', fontsize='small')
    with atomic_output(args.out) as temporary:
        figure.savefig(temporary, format=Path(args.out).suffix.lstrip('.'), dpi=200)
    pyplot.close(figure)
