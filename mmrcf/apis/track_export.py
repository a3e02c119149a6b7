"""Tracks as JSON in the layout of YouTube-VIS, written while the video runs, in memory that does not grow with it."""

import contextlib
import json
import math
import os
import re
import struct
import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

import numpy as np
from pycocotools import mask as mask_utils

from mmrcf.media import AtomicWriter, FrameSource
from mmrcf.structures import FrameResult
from mmrcf.urls import MASK, source_name

DEFAULT_NAME = 'video'
NO_RECORD = -1
# Offset of the track ID's previous record, frame position, area, box (x, y, width, height), length of the RLE text.
_RECORD = struct.Struct('<qqq4iI')


@dataclass
class _Track:
    """The data of a track ID in memory; its records are a chain in the spill file."""

    last_record: int
    count: int
    class_probs: np.ndarray


class TrackExporter(AtomicWriter):
    """Collects results and writes ``videos``, ``categories`` and ``annotations`` as YouTube-VIS has them.

    ``annotations`` holds one entry a track ID: ``segmentations``, ``bboxes`` and ``areas`` with one item a frame (null
    where it was not shown), ``score`` and ``category_id`` from the mean class distribution over the frames in which it
    was shown, and ``track_id``, the track ID. ``videos[0]['timestamps']`` are the times of the frames in seconds; they
    grow from frame to frame.

    Masks go into a temporary file beside the output until the block ends; see :class:`~mmrcf.media.AtomicWriter`.

    Args:
        path: The output.
        source: Where the frames come from.
        classes: Class names in label order; their category ids count from 1.
        name: What the video is called in the names of its frames; None: :func:`video_name` of ``source``.
    """

    def __init__(self, path: str | Path, source: FrameSource, classes: Sequence[str], name: str | None = None) -> None:
        super().__init__(path)
        self._source = source
        self._name = video_name(source) if name is None else name
        self._classes = list(classes)
        self._tracks: dict[int, _Track] = {}
        self._times = array('d')

    def _open(self, temporary: Path, stack: contextlib.ExitStack) -> None:
        self._temporary = temporary
        self._spill: IO[bytes] = tempfile.TemporaryFile(dir=self.path.parent)  # noqa: SIM115  (closed by the stack)
        stack.enter_context(self._spill)

    def add(self, result: FrameResult, time: float, index: int) -> None:
        """Take the objects of a frame.

        Args:
            result: Its objects.
            time: Its presentation time in seconds.
            index: Its position in the source; skipped positions become null, with times in between.
        """
        self._add_times(time, index - len(self._times))
        if not len(result):
            return
        rles = mask_utils.encode(np.asfortranarray(result.masks.transpose(1, 2, 0).view(np.uint8)))
        areas, boxes = mask_utils.area(rles), mask_utils.toBbox(rles).astype(int)
        with self._writable():
            for rle, area, box, track_id, probs in zip(
                rles, areas, boxes, result.ids.tolist(), result.class_probs, strict=True
            ):
                track = self._tracks.setdefault(track_id, _Track(NO_RECORD, 0, np.zeros(probs.shape, np.float64)))
                track.count += 1
                track.class_probs += probs
                if area > 0:
                    offset = self._spill.tell()
                    fields = (track.last_record, index, int(area), *box.tolist(), len(rle['counts']))
                    self._spill.write(_RECORD.pack(*fields) + rle['counts'])
                    track.last_record = offset

    def _add_times(self, time: float, missing: int) -> None:
        """Add the times of ``missing`` frames, evenly spaced, and that of the frame after them. Times grow."""
        if self._times:
            interval = (time - self._times[-1]) / (missing + 1)
        else:
            interval = time / missing if missing and time > 0 else 1 / self._source.fps
        for number in range(missing, -1, -1):
            at = time - number * interval
            self._times.append(max(at, math.nextafter(self._times[-1], math.inf)) if self._times else at)

    def _finish(self, interrupted: bool) -> bool:
        if not self._times:
            return False
        with self._temporary.open('w', encoding='utf-8') as output:
            output.writelines(self._document())
        return True

    def _document(self) -> Iterator[str]:
        """The JSON file, part by part: it may be larger than the memory."""
        source = self._source
        yield '{"videos": [{"id": 1, '
        yield f'"width": {source.width}, "height": {source.height}, "length": {len(self._times)}, '
        yield f'"fps": {source.fps:.6g}, "file_names": ['
        yield from _separated(json.dumps(name) for name in self._file_names())
        yield '], "timestamps": ['
        yield from _separated(map(repr, self._times))  # all digits: rounded times may be equal
        yield ']}], "categories": '
        yield json.dumps([{'id': index + 1, 'name': name} for index, name in enumerate(self._classes)])
        yield ', "annotations": ['
        tracks = [item for item in sorted(self._tracks.items()) if item[1].last_record != NO_RECORD]
        for number, (track_id, track) in enumerate(tracks, start=1):
            if number > 1:
                yield ', '
            yield from self._annotation(number, track_id, track)
        yield ']}\n'

    def _annotation(self, number: int, track_id: int, track: _Track) -> Iterator[str]:
        """One annotation: the track with the class and score of its mean class probabilities."""
        source = self._source
        distribution = track.class_probs / track.count
        label = int(distribution.argmax())
        head = {
            'id': number,
            'video_id': 1,
            'track_id': track_id,
            'category_id': label + 1,
            'score': round(float(distribution[label]), 6),
            'iscrowd': 0,
            'width': source.width,
            'height': source.height,
            'length': len(self._times),
        }
        yield json.dumps(head)[:-1]
        records = self._chain(track.last_record)
        size = [source.height, source.width]
        yield ', "segmentations": ['
        yield from _separated(
            self._per_frame(records, lambda fields, counts: json.dumps({'size': size, 'counts': counts.decode()}))
        )
        yield '], "bboxes": ['
        yield from _separated(self._per_frame(records, lambda fields, counts: json.dumps(fields[3:7])))
        yield '], "areas": ['
        yield from _separated(self._per_frame(records, lambda fields, counts: str(fields[2])))
        yield ']}'

    def _chain(self, offset: int) -> array:
        """Offsets of a track ID's records, in order of time."""
        offsets = array('q')
        while offset != NO_RECORD:
            offsets.append(offset)
            self._spill.seek(offset)
            offset = _RECORD.unpack(self._spill.read(_RECORD.size))[0]
        offsets.reverse()
        return offsets

    def _per_frame(self, records: array, text: Callable[[tuple, bytes], str]) -> Iterator[str]:
        """The text of each record at its frame, 'null' elsewhere."""
        position = 0
        for offset in records:
            self._spill.seek(offset)
            fields = _RECORD.unpack(self._spill.read(_RECORD.size))
            for _ in range(position, fields[1]):
                yield 'null'
            yield text(fields, self._spill.read(fields[7]))
            position = fields[1] + 1
        for _ in range(position, len(self._times)):
            yield 'null'

    def _file_names(self) -> Iterator[str]:
        """Names of the frames; those of a video are what YouTube-VIS would call them as files."""
        if self._source.file_names is not None:
            yield from self._source.file_names[: len(self._times)]
            return
        for index in range(len(self._times)):
            yield f'{self._name}/{index:05d}.jpg'


def video_name(source: object) -> str:
    """The name of a source in the names of its frames.

    Args:
        source: As in :func:`~mmrcf.media.open_source`, or an open source.

    Returns:
        The name of the file without its suffix, that in the path of a URL, else its host; 'camera0' for camera 0; else
        'video'. It is the name of a single folder.
    """
    text = str(source)
    if isinstance(source, FrameSource):
        camera = re.match(r'camera (\d+)', source.name)
        text = camera[1] if camera else source.name.removeprefix('video ').removeprefix('stream ')
    elif not isinstance(source, str | int | Path):
        return DEFAULT_NAME
    if text.isdecimal() and not os.path.exists(text):
        return f'camera{text}'
    if '://' in text:
        url = urlsplit(source_name(text))
        parts = [part for part in PurePosixPath(url.path).parts if part not in ('/', MASK)]
        name = PurePosixPath(parts[-1]).stem if parts else url.hostname or ''
    else:
        name = Path(text).stem
    name = re.sub(r'[\x00-\x1f/\\]', '_', name.encode('utf-8', 'replace').decode()).strip()
    return name if name.strip('.') else DEFAULT_NAME


def _separated(items: Iterator[str]) -> Iterator[str]:
    """``items`` with commas between them."""
    first = True
    for item in items:
        yield item if first else f', {item}'
        first = False
