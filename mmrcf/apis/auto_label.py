"""Labels for videos from the tracks of a model: confident, stable tracks are objects, the others ignored regions.

A small model can be trained on them (self-training, distillation by labels): the ignored regions teach it nothing, so a
teacher's doubt does not become a student's background.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils

from mmrcf.datasets.annotations.records import RLE, AnnotationFile, AnnotationRecord, VideoRecord, file_content
from mmrcf.defaults import LabelRules
from mmrcf.errors import InputError, InputFileError
from mmrcf.media import open_source
from mmrcf.media.image_source import natural_order
from mmrcf.structures import IGNORED_LABEL, FrameResult
from mmrcf.urls import source_name, without_credentials
from mmrcf.utils import atomic_output, read_image, read_json, write_json
from mmrcf.utils.image_files import image_suffixes
from mmrcf.visualization import add_title, draw_clip, drawable_text, stack_rows

from .online import OnlineSegmenter
from .track_export import video_name

logger = logging.getLogger(__name__)

JPEG_QUALITY = 95
VIDEO_SUFFIXES = frozenset(
    (
        *('.mp4', '.m4v', '.mov', '.qt', '.3gp', '.3g2', '.f4v', '.mj2'),  # MP4 and its relatives
        *('.mkv', '.mk3d', '.webm', '.avi', '.divx', '.wmv', '.asf', '.flv', '.ogv', '.ogm', '.mxf', '.nut', '.rm'),
        *('.ts', '.mts', '.m2ts', '.m2t', '.mpg', '.mpeg', '.mpe', '.m2v', '.m1v', '.vob', '.dav', '.dv', '.rmvb'),
        *('.h264', '.264', '.avc', '.h265', '.265', '.hevc', '.ivf', '.obu', '.mjpeg', '.mjpg', '.y4m'),  # streams
    )
)
"""Of the files in a folder of videos; a type of the system's table depends on the machine."""
FRAME_NAME = re.compile(r'(\d{5,})\.jpg')
SHEET_VIDEOS, SHEET_FRAMES, SHEET_HEIGHT = 20, 5, 160
"""Largest number of rows of the contact sheet, frames in a row, and their height in pixels."""


@dataclass
class LabelTrack:
    """A track ID through a video: its masks, and the class probabilities (K,) of each frame in which it is seen."""

    track_id: int
    rles: dict[int, RLE] = field(default_factory=dict)
    class_probs: dict[int, np.ndarray] = field(default_factory=dict)

    @property
    def mean_probs(self) -> np.ndarray:
        """(K,) float64."""
        return np.mean(list(self.class_probs.values()), axis=0, dtype=np.float64)

    def is_confident(self, rules: LabelRules, length: int) -> bool:
        """Whether the track is an object of a video of ``length`` frames."""
        probs, frames = self.mean_probs, sorted(self.rles)
        label = probs.argmax()
        share = np.mean([probs_of_frame.argmax() == label for probs_of_frame in self.class_probs.values()])
        return (
            probs[label] >= rules.accept_thr
            and len(frames) >= min(rules.min_frames, length)
            and len(frames) >= rules.min_presence * (frames[-1] - frames[0] + 1)
            and share >= rules.min_class_share
        )


def add_frame(tracks: dict[int, LabelTrack], frame: int, result: FrameResult) -> None:
    """Add the objects of one frame to ``tracks`` by track ID; a detection without a pixel counts for nothing."""
    if not len(result):
        return
    rles = mask_utils.encode(np.asfortranarray(result.masks.transpose(1, 2, 0).view(np.uint8)))
    for track_id, rle, probs in zip(result.ids.tolist(), rles, result.class_probs, strict=True):
        if mask_utils.area(rle):
            track = tracks.setdefault(track_id, LabelTrack(track_id))
            track.rles[frame], track.class_probs[frame] = rle, probs


def label_tracks(
    tracks: Iterable[LabelTrack], length: int, classes: Sequence[str], rules: LabelRules
) -> list[AnnotationRecord]:
    """The annotations of a video of ``length`` frames, objects first; ids count from 1, and so do categories.

    An ignored region is a crowd. It holds the detections of uncertain tracks, and those frames of objects in which
    their class is less probable than ``ignore_thr``; what belongs to an object is cut out of it.
    """
    tracks = sorted(tracks, key=lambda track: track.track_id)
    kept = [track for track in tracks if rules.classes is None or classes[track.mean_probs.argmax()] in rules.classes]
    objects: list[tuple[LabelTrack, dict[int, RLE]]] = []
    doubts: list[tuple[LabelTrack, dict[int, RLE]]] = []
    for track in kept:
        label = int(track.mean_probs.argmax())
        clear = {frame for frame, probs in track.class_probs.items() if probs[label] >= rules.ignore_thr}
        if track.is_confident(rules, length):
            objects.append((track, {frame: track.rles[frame] for frame in clear}))
            doubts.append((track, {frame: rle for frame, rle in track.rles.items() if frame not in clear}))
        else:
            doubts.append((track, {frame: track.rles[frame] for frame in clear}))
    covered: dict[int, list[RLE]] = {}
    for _, rles in objects:
        for frame, rle in rles.items():
            covered.setdefault(frame, []).append(rle)
    doubts = [
        (track, {frame: rest for frame, rle in rles.items() if (rest := _without(rle, covered.get(frame, ())))})
        for track, rles in doubts
    ]
    records = []
    for crowd, group in ((False, objects), (True, doubts)):
        for track, rles in group:
            if not rles:
                continue
            label = int(track.mean_probs.argmax())
            entry = dict(score=round(float(track.mean_probs[label]), 4), track_id=track.track_id)
            segmentations = [rles.get(frame) for frame in range(length)]
            records.append(AnnotationRecord(len(records) + 1, 1, label + 1, crowd, segmentations, entry))
    return records


def _without(rle: RLE, others: Sequence[RLE]) -> RLE | None:
    """The part of a mask that no other covers, None where there is none."""
    if not others:
        return rle
    rest = mask_utils.decode(rle).astype(bool) & ~mask_utils.decode(mask_utils.merge(list(others))).astype(bool)
    return mask_utils.encode(np.asfortranarray(rest.astype(np.uint8))) if rest.any() else None


def list_videos(paths: Sequence[str]) -> list[str]:
    """The sources that ``paths`` stand for: a folder without images stands for the videos and folders of images in it.

    Raises:
        InputFileError: Such a folder has none.
    """
    sources = []
    for path in paths:
        folder = Path(path)
        if not folder.is_dir() or _holds_images(folder):
            sources.append(path)
            continue
        entries = natural_order([entry for entry in folder.iterdir() if not entry.name.startswith('.')])
        found, others = [], []
        for entry in entries:
            known = _holds_images(entry) if entry.is_dir() else entry.suffix.lower() in VIDEO_SUFFIXES
            (found if known else others).append(str(entry))
        if not found:
            raise InputFileError(
                f'input {path}: a folder without images, videos and folders of images; give one that has them'
            )
        if others:
            logger.warning(
                'input %s: left out %s: no videos by their names and no folders of images', path, ', '.join(others)
            )
        sources += found
    return sources


def _holds_images(folder: Path) -> bool:
    suffixes = image_suffixes()
    return any(path.suffix.lower() in suffixes and not path.name.startswith('.') for path in folder.iterdir())


class AutoLabeller:
    """Runs a model over videos and writes a data set in the official layout of YouTube-VIS.

    ``<out>/JPEGImages/<video>/00000.jpg`` ..., ``<out>/instances.json``, ``<out>/contact_sheet.jpg``, and a file for
    each finished video in ``<out>/parts``, so that an interrupted run continues with the next one.

    Args:
        segmenter: The model; where it has score thresholds, ``rules.ignore_thr`` is used instead.
        out: The folder.
        rules: What becomes of a track.
        every: Label each ``every``-th frame only, at least 1; the model sees those alone.
        max_size: Limit of the longer side of the frames, or None.
        force: Label videos again that were labelled with other settings.
        teacher: What the model is called. Labels of another one do not count as finished.
    """

    def __init__(
        self,
        segmenter: OnlineSegmenter,
        out: str | Path,
        rules: LabelRules | None = None,
        every: int = 1,
        max_size: int | None = None,
        force: bool = False,
        teacher: str = '',
    ) -> None:
        self.rules = rules or LabelRules()
        if every < 1:
            raise InputError(f'every={every}: expected a number of frames of at least 1')
        self.classes = segmenter.classes or tuple(str(label) for label in range(segmenter.model.num_classes))
        unknown = [name for name in self.rules.classes or () if name not in self.classes]
        if unknown:
            raise InputError(f'classes: the model has no class {unknown[0]!r}; it has {", ".join(self.classes)}')
        has_thr = hasattr(segmenter.model, 'score_thr')
        self.segmenter = segmenter.fork(self.rules.ignore_thr if has_thr else None, begin_low=True)
        self.out = Path(out)
        self.every, self.max_size, self.force = every, max_size, force
        self.teacher = without_credentials(teacher)

    def _settings_of(self, source: str | Path) -> dict:
        """What the labels of a video depend on; the file is passed on, so addresses are without passwords."""
        rules = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self.rules).items()}
        options = dict(every=self.every, max_size=self.max_size, teacher=self.teacher, source=source_name(source))
        return dict(rules=rules, classes=list(self.classes), **options)

    def run(self, sources: Sequence[str | Path]) -> dict[str, int]:
        """Label videos, image folders, or whatever else :func:`~mmrcf.media.open_source` opens and has an end.

        Returns:
            Numbers of ``videos``, ``frames``, ``objects``, ``ignored`` (regions through a video), and videos that were
            ``labelled_before``.

        Raises:
            InputError: Two sources have one name, a video has no frame, was labelled before with other settings, or is
                the folder to which its own frames would be written.
        """
        names = [video_name(source) for source in sources]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(
                f'videos: two are called {twice!r}; rename one, because its frames get a folder of that name'
            )
        before = 0
        parts = []
        for source, name in zip(sources, names, strict=True):
            part = self._finished(source, name)
            before += part is not None
            parts.append(part or self._label(source, name))
        content = merge_parts(parts, self.classes)
        write_json(self.out / 'instances.json', content, updates=True)
        self._write_sheet(content)
        crowds = sum(item['iscrowd'] for item in content['annotations'])
        return dict(
            videos=len(parts),
            frames=sum(video['length'] for video in content['videos']),
            objects=len(content['annotations']) - crowds,
            ignored=crowds,
            labelled_before=before,
        )

    def _part_path(self, name: str) -> Path:
        return self.out / 'parts' / f'{name}.json'

    def _finished(self, source: str | Path, name: str) -> dict | None:
        """What an earlier run wrote about a video, None where it has to be labelled."""
        path = self._part_path(name)
        if self.force or not path.exists():
            return None
        part = read_json(path, 'labels')
        if part.get('settings') != self._settings_of(source):
            raise InputError(
                f'labels {path}: were made with another teacher, with other settings, or from another video of this '
                'name; give another --out, or --force to label again'
            )
        return part

    def _label(self, source: str | Path, name: str) -> dict:
        segmenter = self.segmenter.fork()
        tracks: dict[int, LabelTrack] = {}
        names: list[str] = []
        with open_source(source, max_size=self.max_size) as frames:
            for number, frame in enumerate(frames):
                if number % self.every:
                    continue
                result = segmenter.step(frame.image)
                add_frame(tracks, len(names), result)
                names.append(f'{name}/{len(names):05d}.jpg')
                # Once a video: in a folder of many frames it takes long.
                with atomic_output(self.out / 'JPEGImages' / names[-1], tidy=len(names) == 1) as temporary:
                    _write_jpeg(temporary, frame.image)
            height, width = frames.height, frames.width
        if not names:
            raise InputError(f'video {source}: has no frame that can be read; leave it out')
        self._remove_frames_from(len(names), name)
        video = VideoRecord(1, height, width, tuple(names))
        records = label_tracks(tracks.values(), len(names), self.classes, self.rules)
        content = file_content(AnnotationFile(str(source), {1: video}, _categories(self.classes), records))
        part = dict(settings=self._settings_of(source)) | content
        write_json(self._part_path(name), part, updates=True)
        return part

    def _remove_frames_from(self, count: int, name: str) -> None:
        """Remove what an earlier run with other settings, or one that was killed, left behind the last frame."""
        for path in (self.out / 'JPEGImages' / name).iterdir():
            if (number := FRAME_NAME.fullmatch(path.name)) and int(number[1]) >= count:
                path.unlink()

    def _write_sheet(self, content: dict) -> None:
        """Frames of the videos with the objects drawn in; ignored regions are dim and striped."""
        videos = content['videos']
        chosen = np.unique(np.linspace(0, len(videos) - 1, min(len(videos), SHEET_VIDEOS)).round().astype(int))
        rows = [
            add_title(
                sheet_row(self.out, content, videos[index], self.classes),
                drawable_text(Path(videos[index]['file_names'][0]).parent.name) or f'video {index + 1}',
            )
            for index in chosen
        ]
        with atomic_output(self.out / 'contact_sheet.jpg', updates=True) as temporary:
            _write_jpeg(temporary, stack_rows(rows))


def merge_parts(parts: Sequence[Mapping], classes: Sequence[str]) -> dict:
    """One annotation file of several with one video each; videos and annotations are numbered from 1."""
    videos, annotations = [], []
    for number, part in enumerate(parts, start=1):
        videos.append(part['videos'][0] | dict(id=number))
        for item in part['annotations']:
            annotations.append(item | dict(id=len(annotations) + 1, video_id=number))
    categories = [dict(id=key, name=name) for key, name in _categories(classes).items()]
    return dict(videos=videos, categories=categories, annotations=annotations)


def sheet_row(folder: Path, content: Mapping, video: Mapping, classes: Sequence[str]) -> np.ndarray:
    """A few frames of a labelled video side by side, (h, w, 3) uint8 RGB."""
    items = [item for item in content['annotations'] if item['video_id'] == video['id']]
    indices = np.unique(np.linspace(0, video['length'] - 1, SHEET_FRAMES).round().astype(int))
    frames, samples = [], []
    for index in indices:
        image = read_image(folder / 'JPEGImages' / video['file_names'][index])
        frames.append(torch.from_numpy(image).permute(2, 0, 1))
        seen = [item for item in items if item['segmentations'][index] is not None]
        sample = DetDataSample(metainfo=dict(frame_id=int(index)))
        objects = [item for item in seen if not item['iscrowd']]
        sample.gt_instances = _instances(objects, index, image.shape[:2])
        crowds = [item for item in seen if item['iscrowd']]
        if crowds:
            sample.ignored_instances = _instances(crowds, index, image.shape[:2])
        samples.append(sample)
    return draw_clip(torch.stack(frames), samples, classes, SHEET_HEIGHT)


def _instances(items: Sequence[Mapping], frame: int, size: tuple[int, int]) -> InstanceData:
    masks = [mask_utils.decode(item['segmentations'][frame]) for item in items]
    labels = [IGNORED_LABEL if item['iscrowd'] else item['category_id'] - 1 for item in items]
    return InstanceData(
        labels=torch.tensor(labels, dtype=torch.long),
        instances_ids=torch.tensor([item['track_id'] for item in items], dtype=torch.long),
        masks=BitmapMasks(np.array(masks, np.uint8).reshape(-1, *size), *size),
    )


def _categories(classes: Sequence[str]) -> dict[int, str]:
    return dict(enumerate(classes, start=1))


def _write_jpeg(path: Path, image: np.ndarray) -> None:
    """Write an image (H, W, 3) uint8 RGB."""
    encoded, data = cv2.imencode(
        '.jpg', np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )
    if not encoded:
        raise InputError(f'output {path}: a frame of {image.shape[1]} x {image.shape[0]} pixels cannot be a JPEG')
    path.write_bytes(data.tobytes())
