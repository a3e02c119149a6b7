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
class Span:
    """A run of frames without a gap in which a track is shown. Times are in seconds.

    Attributes:
        first, last: Times of its first and last frame.
        end: Until when the last one is shown.
    """

    first: float
    last: float
    end: float


@dataclass
class Track:
    """What is known of a track ID.

    Attributes:
        scores: Sum of its scores by class name.
        count: Frames in which it was shown.
        spans: Where it was shown.
    """

    scores: Counter = field(default_factory=Counter)
    count: int = 0
    spans: list[Span] = field(default_factory=list)

    @property
    def class_name(self) -> str:
        """The class with the greatest sum of scores."""
        return self.scores.most_common(1)[0][0]


class TrackTable:
    """Collects the tracks of a run.

    Args:
        fps: Frames a second: a frame lasts until the next one, the last frame as long as this says.

    Attributes:
        tracks: By track ID, in the order of appearance.
        length: Number of frames so far.
        end: Until when the last frame is shown, in seconds.
    """

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._open: dict[int, Span] = {}  # of the tracks in the last frame
        self.tracks: dict[int, Track] = {}
        self.length = 0
        self.end = 0.0

    def add(self, result: FrameResult, time: float) -> None:
        """Take the objects of a frame.

        Args:
            result: Its objects; ``frame_index`` grows from call to call.
            time: When it is shown, in seconds; grows, too.
        """
        for span in self._open.values():
            span.end = time
        self.length, self.end = result.frame_index + 1, time + 1 / self._fps
        before, self._open = self._open, {}
        for track_id, name, score in zip(result.ids.tolist(), result.class_names, result.scores.tolist(), strict=True):
            track = self.tracks.setdefault(track_id, Track())
            track.scores[name] += score
            track.count += 1
            if track_id not in before:
                track.spans.append(Span(time, time, self.end))
            span = self._open[track_id] = track.spans[-1]
            span.last, span.end = time, self.end

    def html(self) -> str:
        """A table with a row for each track ID, the longest tracks first; in the last column a bar where it is present.

        Elements with ``data-time`` are buttons of the time in seconds at which a span begins.
        """
        if not self.tracks:
            return '<p class="rcf-note">No object above the score threshold so far.</p>'
        longest = sorted(self.tracks.items(), key=lambda item: -item[1].count)
        head = ''.join(f'<th>{name}</th>' for name in HEADER)
        end = f'{self.end:.1f} s'
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
            f'{track.spans[0].first:.1f} s',
            f'{track.spans[-1].last:.1f} s',
        )
        bars = ''.join(self._bar(span, color, f'{name} {track_id}') for span in track.spans)
        return f'<tr>{"".join(f"<td>{cell}</td>" for cell in cells)}<td class="rcf-line"><div>{bars}</div></td></tr>'

    def _bar(self, span: Span, color: str, name: str) -> str:
        left, width = 100 * span.first / self.end, 100 * (span.end - span.first) / self.end
        return (
            f'<button type="button" data-time="{span.first:.3f}" title="{name}, from {span.first:.1f} s" '
            f'aria-label="{name}: go to {span.first:.1f} s" '
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
