"""Compare the log-mel patches of files with those of an independent implementation.

``python tools/analysis_tools/logmel_parity.py CLIP.mp4 [AUDIO.wav ...]``

The other implementation is that of the package ``torchvggish``, a copy of the one that VGGish was published with. Both
get the same waveform at 16 kHz; its patches follow each other every 0.96 s, as it cuts them itself.
"""

import argparse
import importlib.util
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import ModuleType

from mmrcf.command_line import add_json, start_program
from mmrcf.errors import InputError, exit_on_bad_input

TOLERANCE = 1e-4


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Compare log-mel patches with an independent implementation')
    parser.add_argument('files', nargs='+', metavar='FILE', help='audio or video files')
    parser.add_argument('--tolerance', type=float, default=TOLERANCE, help='largest difference allowed (%(default)s)')
    add_json(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torchaudio.functional import resample

from mmrcf.audio.file import AudioReader
from mmrcf.audio.log_mel import PATCH_FRAMES, PATCH_SAMPLES, SAMPLE_RATE, patch_at
from mmrcf.utils import require_file, write_json


def load_reference() -> ModuleType:
    """``torchvggish/mel_features.py``; the rest of that package needs others, which are not asked for.

    Raises:
        InputError: The package is not installed.
    """
    package = importlib.util.find_spec('torchvggish')
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder) / 'mel_features.py'
        if path.is_file():
            spec = importlib.util.spec_from_file_location('torchvggish_mel_features', path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise InputError('torchvggish is not installed; run: pip install --no-deps torchvggish==0.2')


def reference_patches(reference: ModuleType, waveform: np.ndarray) -> np.ndarray:
    """(P, 96, 64) float64: all that its own framing cuts out of (S,) samples at 16 kHz."""
    features = reference.log_mel_spectrogram(
        waveform.astype(np.float64),
        audio_sample_rate=SAMPLE_RATE,
        log_offset=0.01,
        window_length_secs=0.025,
        hop_length_secs=0.010,
        num_mel_bins=64,
        lower_edge_hertz=125,
        upper_edge_hertz=7500,
    )
    return reference.frame(features, window_length=PATCH_FRAMES, hop_length=PATCH_FRAMES)


def largest_difference(reference: ModuleType, waveform: np.ndarray) -> tuple[int, float]:
    """Number of patches of (S,) samples at 16 kHz, and the largest absolute difference of any value.

    A waveform shorter than one patch is one patch with silence before it.
    """
    waveform = np.pad(waveform, (max(PATCH_SAMPLES - len(waveform), 0), 0)).astype(np.float32)
    theirs = reference_patches(reference, waveform)
    ends = PATCH_SAMPLES + 0.96 * SAMPLE_RATE * np.arange(len(theirs))
    ours = [patch_at(waveform, SAMPLE_RATE, 0, end / SAMPLE_RATE).numpy() for end in ends]
    return len(theirs), float(np.abs(np.stack(ours) - theirs).max())


def read_waveform(path: str) -> np.ndarray:
    """The audio of a file as (S,) float32 at 16 kHz; what is unknown is silence.

    Raises:
        InputError: The file is missing, cannot be read or holds no audio.
    """
    with closing(AudioReader.open(str(require_file(path, 'audio')), None, f'audio {path}')) as reader:
        pieces = [torch.from_numpy(chunk.samples).nan_to_num(nan=0.0) for chunk in reader.chunks()]
    if not pieces:
        raise InputError(f'audio {path}: holds no audio; give a file that does')
    return resample(torch.cat(pieces), reader.sample_rate, SAMPLE_RATE).numpy()


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, print; exit code 1 where a difference is above the tolerance."""
    args = parse_args(arguments)
    reference = load_reference()
    table = Table('file', 'patches', 'largest difference')
    figures = {}
    for path in args.files:
        patches, difference = largest_difference(reference, read_waveform(path))
        figures[path] = dict(patches=patches, largest_difference=difference)
        table.add_row(path, str(patches), f'{difference:.2e}')
    Console().print(table)
    if args.json:
        write_json(args.json, figures)
    if any(not row['largest_difference'] <= args.tolerance for row in figures.values()):
        raise SystemExit(f'the difference is above {args.tolerance:g}')


if __name__ == '__main__':
    main()
