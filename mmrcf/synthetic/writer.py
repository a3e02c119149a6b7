"""Write whole splits of the synthetic benchmark, each complete or not at all, the same bytes for the same seed."""

import contextlib
import json
import multiprocessing
import re
import shutil
import signal
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmrcf.defaults import DEFAULT_SPLITS
from mmrcf.errors import InputError, InputFileError
from mmrcf.synthetic.categories import VARIANTS, Variant
from mmrcf.synthetic.scene import plan_scene
from mmrcf.synthetic.video_files import categories, write_video
from mmrcf.utils.files import read_json

GENERATOR_VERSION = 1
"""Raised by every change that changes the bytes written."""
FPS = 6.0
META_FILE = 'make_shapes.json'


def write_shapes(
    root: str | Path,
    variant: str = 'shapes',
    splits: Mapping[str, int] = DEFAULT_SPLITS,
    seed: int = 0,
    num_frames: int = 24,
    size: tuple[int, int] = (160, 288),
    workers: int = 1,
    overwrite: bool = False,
    report: Callable[[str, int, int], None] | None = None,
) -> dict[str, bool]:
    """Write the benchmark: ``root/<split>/{JPEGImages,WAVAudios,instances.json,make_shapes.json}``.

    Arguments as in :func:`write_split`; ``splits`` maps the name of each split to its number of videos.

    Returns:
        For each split whether it was written; False: it was there already, made with the same settings.
    """
    return {
        split: write_split(root, variant, split, count, seed, num_frames, size, workers, overwrite, report)
        for split, count in splits.items()
    }


def write_split(
    root: str | Path,
    variant: str,
    split: str,
    num_videos: int,
    seed: int = 0,
    num_frames: int = 24,
    size: tuple[int, int] = (160, 288),
    workers: int = 1,
    overwrite: bool = False,
    report: Callable[[str, int, int], None] | None = None,
) -> bool:
    """Write one split. Video i of a split depends on seed, variant, split name, number and size of frames, and i only.

    Args:
        root: The data set's folder; created if need be.
        variant: 'shapes' or 'shapes_av'.
        split: The split's name, which is its folder's.
        num_videos: At least 1.
        seed: At least 0.
        num_frames: Frames a video at 6 frames a second.
        size: (height, width) of the frames in pixels, at least 32.
        workers: Processes to share the work; the bytes do not depend on it.
        overwrite: Replace an existing split that was made with other settings.
        report: Called as ``report(split, done, total)`` after each video.

    Returns:
        False if the split was there already, made with the same settings; True once it is written.

    Raises:
        InputError: A setting is out of range, or the split exists with other settings.
        InputFileError: ``root`` cannot be written to.
    """
    settings = _settings(variant, split, num_videos, seed, num_frames, size)
    if workers < 1:
        raise InputError(f'workers: expected at least 1, got {workers}')
    final = Path(root) / split
    if _is_done(final, settings, overwrite):
        return False
    with _folder_when_complete(final) as folder:
        make = partial(_make_video, folder, settings)
        videos, annotations = [], []
        with _map_in_order(workers) as map_in_order:
            for video, found in map_in_order(make, range(1, num_videos + 1)):
                videos.append(video)
                annotations += [dict(id=len(annotations) + offset, **entry) for offset, entry in enumerate(found, 1)]
                if report is not None:
                    report(split, len(videos), num_videos)
        description = f'{variant}, {split} split: synthetic videos made by tools/misc/make_shapes.py'
        content = dict(
            info=dict(description=description, **settings),
            licenses=[],
            videos=videos,
            annotations=annotations,
            categories=categories(VARIANTS[variant]),
        )
        (folder / 'instances.json').write_text(json.dumps(content), encoding='utf-8')
        (folder / META_FILE).write_text(json.dumps(settings, indent=2) + '\n', encoding='utf-8')
    return True


def _settings(
    variant: str, split: str, num_videos: int, seed: int, num_frames: int, size: tuple[int, int]
) -> dict[str, Any]:
    """All that the bytes of a split depend on, checked."""
    if variant not in VARIANTS:
        raise InputError(f'variant: expected one of {", ".join(VARIANTS)}, got {variant!r}')
    if not re.fullmatch(r'[A-Za-z0-9_-]+', split):
        raise InputError(f'splits: {split!r} is no name for a split; use letters, digits, _ and -')
    for name, value, low, high in (
        ('splits', num_videos, 1, 9999),
        ('seed', seed, 0, 2**63),
        ('frames', num_frames, 1, 99999),
        ('size', min(size), 32, 8192),
        ('size', max(size), 32, 8192),
    ):
        if not low <= value <= high:
            raise InputError(f'{name}: expected {low} to {high}, got {value}')
    return dict(
        generator_version=GENERATOR_VERSION,
        variant=variant,
        split=split,
        seed=seed,
        num_videos=num_videos,
        num_frames=num_frames,
        size=[int(side) for side in size],
        fps=FPS,
    )


def _is_done(final: Path, settings: dict[str, Any], overwrite: bool) -> bool:
    """Whether the split exists with these settings. Raises :class:`InputError` for one that may not be replaced."""
    if not final.exists():
        return False
    if not (final / META_FILE).is_file():
        raise InputError(f'output {final}: there is something else than a split of this tool; choose another folder')
    if read_json(final / META_FILE, 'settings of the split') == settings:
        return True
    if not overwrite:
        raise InputError(
            f'output {final}: made with other settings (see its {META_FILE}); choose another folder, or overwrite it '
            '(--overwrite)'
        )
    return False


@contextlib.contextmanager
def _folder_when_complete(final: Path) -> Iterator[Path]:
    """Yield a folder beside ``final`` that takes its name, and its place, when the block ends without an error."""
    temporary = None
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=final.parent, prefix=f'.{final.name}.'))
        folder = temporary / 'new'
        folder.mkdir()
        yield folder
        if final.exists():
            final.rename(temporary / 'old')
        folder.rename(final)
    except OSError as error:
        if isinstance(error, InputFileError):
            raise
        reason = error.strerror or error
        raise InputFileError(f'output {final}: cannot write there ({reason}); choose another path') from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _make_video(folder: Path, settings: dict[str, Any], video_id: int) -> tuple[dict, list[dict]]:
    variant: Variant = VARIANTS[settings['variant']]
    names = (zlib.crc32(settings[key].encode()) for key in ('variant', 'split'))
    seed = np.random.SeedSequence([settings['seed'], *names, video_id])
    scene = plan_scene(seed, variant, settings['num_frames'], tuple(settings['size']), settings['fps'])
    return write_video(folder, video_id, scene, variant)


def _start_worker() -> None:
    cv2.setNumThreads(1)
    # An interrupt is the parent's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def _map_in_order(workers: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """Yield a ``map``, over processes if there are to be several. OpenCV works on one thread: the patches are small."""
    if workers == 1:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            yield map
        finally:
            cv2.setNumThreads(threads)
        return
    # Forked workers start at once; spawned ones would import everything again.
    method = 'fork' if 'fork' in multiprocessing.get_all_start_methods() else None
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context(method), initializer=_start_worker)
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)
