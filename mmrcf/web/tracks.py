"""The tracks of a run: when each is present, as a table for a page; and their masks as images."""

import html
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from mmrcf.structures import FrameResult
from mmrcf.utils import atomic_output, counted, read_json
from mmrcf.visualization import track_color

MAX_ROWS = 40
HEADER = ('track', 'class', 'score', 'frames', 'first', 'last')


@dataclass
class Track:
    """What is known of a track ID.

    Attributes:
        scores: Sum of its scores by class name.
        count: Frames in which it was shown.
        spans: First and last index of its runs of frames without a gap.
    """

    scores: Counter = field(default_factory=Counter)
    count: int = 0
    spans: list[list[int]] = field(default_factory=list)

    @property
    def class_name(self) -> str:
        """The class with the greatest sum of scores."""
        return self.scores.most_common(1)[0][0]


class TrackTable:
    """Collects the tracks of a run.

    Args:
        fps: Frames a second, for times.

    Attributes:
        tracks: By track ID, in the order of appearance.
        length: Number of frames so far.
    """

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self.tracks: dict[int, Track] = {}
        self.length = 0

    def add(self, result: FrameResult) -> None:
        """Take the objects of a frame; ``frame_index`` grows from call to call."""
        index = result.frame_index
        for track_id, name, score in zip(result.ids.tolist(), result.class_names, result.scores.tolist(), strict=True):
            track = self.tracks.setdefault(track_id, Track())
            track.scores[name] += score
            track.count += 1
            if track.spans and track.spans[-1][1] == self.length - 1:
                track.spans[-1][1] = index
            else:
                track.spans.append([index, index])
        self.length = index + 1

    def html(self) -> str:
        """A table with a row for each track ID, the longest tracks first; in the last column a bar where it is present.

        Elements with ``data-time`` are buttons of the time in seconds at which a span begins.
        """
        if not self.tracks:
            return '<p class="rcf-note">No object above the score threshold so far.</p>'
        longest = sorted(self.tracks.items(), key=lambda item: -item[1].count)
        head = ''.join(f'<th>{name}</th>' for name in HEADER)
        end = f'{self.length / self._fps:.1f} s'
        rows = ''.join(self._row(track_id, track) for track_id, track in longest[:MAX_ROWS])
        rest = len(longest) - MAX_ROWS
        note = f'<p class="rcf-note">{counted(rest, "shorter track")} in the JSON only.</p>' if rest > 0 else ''
        return (
            f'<div class="rcf-scroll"><table class="rcf-tracks"><thead><tr>{head}'
            f'<th class="rcf-axis"><span>0 s</span><span>{end}</span></th></tr></thead>'
            f'<tbody>{rows}</tbody></table></div>{note}'
        )

    def _row(self, track_id: int, track: Track) -> str:
        color = 'rgb({}, {}, {})'.format(*track_color(track_id))
        name = html.escape(track.class_name)
        cells = (
            f'<i style="background: {color}"></i>{track_id}',
            name,
            f'{sum(track.scores.values()) / track.count:.2f}',
            str(track.count),
            f'{track.spans[0][0] / self._fps:.1f} s',
            f'{track.spans[-1][1] / self._fps:.1f} s',
        )
        bars = ''.join(self._bar(span, color, f'{name} {track_id}') for span in track.spans)
        return f'<tr>{"".join(f"<td>{cell}</td>" for cell in cells)}<td class="rcf-line"><div>{bars}</div></td></tr>'

    def _bar(self, span: list[int], color: str, name: str) -> str:
        first, last = span
        time = first / self._fps
        left, width = 100 * first / self.length, 100 * (last + 1 - first) / self.length
        return (
            f'<button type="button" data-time="{time:.3f}" title="{name}, from {time:.1f} s" '
            f'aria-label="{name}: go to {time:.1f} s" '
            f'style="left: {left:.2f}%; width: {width:.2f}%; background: {color}"></button>'
        )


def write_masks(tracks: Path, out: Path) -> None:
    """Write every mask of a file of tracks (YouTube-VIS) as a PNG of its own, into a ZIP archive.

    The mask of track ID 3 at frame 12 is ``00012/3.png``: 255 where the object is, else 0.
    """
    content = read_json(tracks, 'tracks')
    with atomic_output(out) as temporary, zipfile.ZipFile(temporary, 'w', zipfile.ZIP_STORED) as archive:
        for name, mask in _masks(content):
            archive.writestr(name, cv2.imencode('.png', mask * 255)[1].tobytes())


def _masks(content: dict) -> Iterator[tuple[str, np.ndarray]]:
    for annotation in content['annotations']:
        for index, segmentation in enumerate(annotation['segmentations']):
            if segmentation is not None:
                yield f'{index:05d}/{annotation["track_id"]}.png', mask_utils.decode(segmentation)
