"""The results of an evaluation in the server's format: reading, checking, and writing the submission zip."""

import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmrcf.datasets.annotations.problems import Location, refuse
from mmrcf.errors import InputError
from mmrcf.utils import atomic_output, parse_json, read_json, require_file
from mmrcf.utils.archives import open_zip, read_member

from .ground_truth import GroundTruth, Track
from .track_files import parse_tracks, read_score

RESULTS_NAME = 'results.json'
MAX_RESULTS_BYTES = 2**29
"""Largest ``results.json`` that is unpacked by default; what is larger can be given unpacked."""


def parse_results(content: Any, ground_truth: GroundTruth, source: str = 'results') -> list[Track]:
    """Check results against the annotation file and turn them into tracks.

    Args:
        content: The parsed JSON: a list of dicts of ``video_id``, ``score``, ``category_id`` and ``segmentations`` (a
            compressed RLE or null for each frame), as the server takes it. Or tracks in the layout of YouTube-VIS, see
            :func:`~mmrcf.evaluation.functional.track_files.parse_tracks`.
        ground_truth: The videos and categories that the results are for; annotations are not needed.
        source: What messages call the results.

    Raises:
        InputError: A field is missing or of another type, an id is not in the annotation file, the number of
            segmentations is not that of the frames, or a mask is of another size than the video.
    """
    if isinstance(content, dict):
        return parse_tracks(content, ground_truth, source)
    if not isinstance(content, list):
        raise InputError(f'{source}: expected a list of tracks, found {type(content).__name__}')
    tracks = []
    for index, entry in enumerate(content):
        where = f'{source}: entry {index}'
        location = Location(refuse(source), f'entry {index}')
        video = ground_truth.video(location.read(entry, 'video_id', int), where)
        category_id = location.read(entry, 'category_id', int)
        if category_id not in ground_truth.categories:
            raise InputError(f'{where}: category_id {category_id} is not in {ground_truth.source}; use its numbering')
        score = read_score(location, entry)
        segmentations = location.read(entry, 'segmentations', list)
        for frame, segmentation in enumerate(segmentations):
            compressed = isinstance(segmentation, dict) and isinstance(segmentation.get('counts'), str)
            if segmentation is not None and not compressed:
                raise InputError(
                    f'{where}: segmentations[{frame}]: expected null or a compressed RLE (counts as a string)'
                )
        rles = tuple(video.decode(segmentations, location).values())
        tracks.append(Track(video.video_id, category_id, rles, score))
    return tracks


def results_of_tracks(tracks: Iterable[Track]) -> list[dict]:
    """Tracks in the server's format."""
    return [
        {
            'video_id': track.video_id,
            'score': track.score,
            'category_id': track.category_id,
            'segmentations': [
                None if rle is None else {'size': list(rle['size']), 'counts': _as_text(rle['counts'])}
                for rle in track.rles
            ],
        }
        for track in tracks
    ]


def read_results(path: str | Path, *, max_bytes: int = MAX_RESULTS_BYTES) -> Any:
    """Content of a ``results.json``, given as itself or inside a submission zip.

    Args:
        path: The file.
        max_bytes: Limit of what a zip is unpacked to: a small one may hold gigabytes of one letter.

    Raises:
        InputError: The file is missing or not JSON, or the zip has no ``results.json`` at its root or a larger one.
    """
    path = require_file(path, 'results')
    if not zipfile.is_zipfile(path):
        return read_json(path, 'results')
    with open_zip(path, 'results') as archive:
        if RESULTS_NAME not in archive.namelist():
            names = ', '.join(archive.namelist()[:3]) or 'nothing'
            raise InputError(f'results {path}: no {RESULTS_NAME} at the root of the zip (found {names}); pack it there')
        content = read_member(archive, RESULTS_NAME, f'results {path}', max_bytes)
    return parse_json(content, f'results {path}: {RESULTS_NAME}')


def submission_path(path: str | Path) -> Path:
    """``path`` with ``.zip`` appended where it is missing."""
    path = Path(path)
    return path if path.suffix == '.zip' else path.with_name(f'{path.name}.zip')


def write_submission(path: str | Path, tracks: Iterable[Track], ground_truth: GroundTruth) -> Path:
    """Write the server's submission: a zip with ``results.json`` at its root, read back and checked before it appears.

    Args:
        path: The zip file; ``.zip`` is appended where it is missing.
        tracks: Predictions.
        ground_truth: The videos and categories of the server's annotation file, which may have no annotations.

    Returns:
        The path of the zip.

    Raises:
        InputFileError: The folder cannot be written to.
        InputError: The tracks do not fit the annotation file.
    """
    path = submission_path(path)
    content = json.dumps(results_of_tracks(tracks))
    with atomic_output(path) as temporary:
        with zipfile.ZipFile(temporary, 'w', zipfile.ZIP_DEFLATED) as archive:
            # A fixed date: the same results make the same bytes.
            archive.writestr(zipfile.ZipInfo(RESULTS_NAME), content, zipfile.ZIP_DEFLATED)
        parse_results(read_results(temporary), ground_truth, f'submission {path}')
    return path


def _as_text(counts: str | bytes) -> str:
    return counts.decode('ascii') if isinstance(counts, bytes) else counts
