"""The base of metrics on frames: it gathers frames from all ranks and orders them by video."""

import dataclasses
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.evaluator import BaseMetric

from mmrcf.datasets.annotations.class_maps import resolve_class_map
from mmrcf.datasets.annotations.records import VideoRecord
from mmrcf.datasets.annotations.view import AnnotationView
from mmrcf.errors import InputError
from mmrcf.utils import counted, require_file

from ..functional.ground_truth import GroundTruth, load_ground_truth

_PER_OBJECT = ('ids', 'queries', 'labels', 'scores', 'class_probs')


AnnotationSource = str | Path | Mapping[str, Any]
"""Where ground truth is read from; see :class:`FrameMetric`."""


def split_source(source: AnnotationSource, metric: str) -> tuple[str | Path, AnnotationView | None]:
    """The annotation file, and what to take of it; None where that is for the data set to say.

    Args:
        source: ``ann_file`` of a metric.
        metric: Its name, for messages.

    Raises:
        InputError: It is a dict with other keys.
    """
    if not isinstance(source, Mapping):
        return source, None
    options = dict(source)
    known = {'ann_file', *(field.name for field in dataclasses.fields(AnnotationView))}
    if 'ann_file' not in options or set(options) - known:
        raise InputError(
            f'{metric}: ann_file has the keys {sorted(options)}, expected ann_file and any of {sorted(known)}'
        )
    return options.pop('ann_file'), AnnotationView(**options)


class FrameMetric(BaseMetric):
    """Base of metrics on frames.

    Each result is a dict of one frame: ``video_id``, ``frame_id``, ``video_length``, ``ori_shape`` (H, W), and for its
    n objects ``ids`` (n,), ``queries`` (n,), ``labels`` (n,), ``scores`` (n,), ``class_probs`` (n, K) and ``rles`` (n
    compressed RLE dicts). Frames may come in any order, from any number of ranks, each exactly once; a video of the
    annotation file of which no frame came counts as a video without predictions.

    Args:
        ann_file: Annotation file in the official YouTube-VIS layout, of CocoVID or of COCO. The ground truth is read
            from here, with ``class_map``, ``only`` and ``exclude`` of the data set that is tested
            (:class:`~mmrcf.datasets.annotations.view.AnnotationView`). Or a dict with the path as ``ann_file`` and
            other values of these; it must have the same videos as the data set.
        classes: Class names in the order of the labels; None for those of the dataset.
        collect_device: As in MMEngine; results are small and always travel as objects of the process group.
        prefix: As in MMEngine.
        needs_annotations: Whether there is nothing to do without annotations.

    Raises:
        InputFileError: The annotation file is missing.
        InputError: ``ann_file`` is a dict with other keys. Whether the file can be used depends on the view, so it is
            read when ``dataset_meta`` is set: before a training or test starts.
    """

    def __init__(
        self,
        ann_file: AnnotationSource,
        classes: Sequence[str] | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        needs_annotations: bool = True,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        path, own_view = split_source(ann_file, type(self).__name__)
        self.has_own_view = own_view is not None
        self.view = own_view or AnnotationView()
        self.ann_file = require_file(path, 'annotation file')
        self.needs_annotations = needs_annotations
        self.classes = None if classes is None else tuple(classes)

    @property
    def dataset_meta(self) -> dict | None:
        """The metainfo of the tested data set; MMEngine sets it before a training or test starts.

        Raises:
            InputError: The annotation file cannot be used, or has other videos than the data set, or the class map of
                ``ann_file`` leads to a name that is no class.
        """
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, meta: dict | None) -> None:
        self._dataset_meta = meta
        self._take_dataset(meta)

    def _take_dataset(self, meta: Mapping[str, Any] | None) -> None:
        """Take the view of the tested data set over, and check that both show the same, which can be measured."""
        tested = (meta or {}).get('tested')
        if tested is not None and not self.has_own_view:
            self.view = AnnotationView(**tested['view'])
        if is_main_process():
            if tested is not None:
                self.require_same_videos(tested['video_ids'])
            self.check_annotations(load_ground_truth(self.ann_file, self.view))
        if self.view.class_map is not None and (self.classes is not None or 'classes' in (meta or {})):
            resolve_class_map(self.view.class_map, self.class_names())

    def check_annotations(self, ground_truth: GroundTruth) -> None:
        """Raise :class:`InputError` if ``ground_truth``, all that will be tested, is not what this metric needs.

        A metric with needs of its own overrides this; it is called on the first rank only, before anything is tested.
        """
        if self.needs_annotations:
            ground_truth.require_tracks()

    def require_same_videos(self, tested: Iterable[int]) -> None:
        """Raise :class:`InputError` if the videos with these ids are not those of ``ann_file``."""
        tested = set(tested)
        videos = load_ground_truth(self.ann_file, self.view).videos
        differing = sorted(tested ^ set(videos))
        if differing:
            raise InputError(
                f'{type(self).__name__}: ann_file {self.ann_file} has {counted(len(videos), "video")} and the tested '
                f'data set {len(tested)}; they differ in {len(differing)}, first in video {differing[0]}; give both '
                'the same annotation file, and ann_file as a path, without only and exclude of its own'
            )

    def class_names(self) -> tuple[str, ...]:
        """Class names in the order of the labels."""
        if self.classes is not None:
            return self.classes
        if not self.dataset_meta or 'classes' not in self.dataset_meta:
            raise InputError(f'{type(self).__name__}: the dataset names no classes; give classes=(...)')
        return tuple(self.dataset_meta['classes'])

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the results of some frames; see the class for what they hold."""
        for frame in data_samples:
            where = f'frame {frame["frame_id"]} of video {frame["video_id"]}'
            kept = {key: np.asarray(frame[key]) for key in _PER_OBJECT}
            if any(len(values) != len(frame['rles']) for values in kept.values()):
                raise ValueError(f'{where}: fields differ in length')
            if len(set(kept['ids'].tolist())) != len(kept['ids']):
                raise ValueError(f'{where}: ids must be unique, got {kept["ids"].tolist()}')
            if any(tuple(rle['size']) != tuple(frame['ori_shape']) for rle in frame['rles']):
                raise ValueError(f'{where}: a mask is not of the size of the frame, {frame["ori_shape"]}')
            position = {key: int(frame[key]) for key in ('video_id', 'frame_id', 'video_length')}
            self.results.append(
                {**position, 'ori_shape': tuple(frame['ori_shape']), **kept, 'rles': list(frame['rles'])}
            )

    def evaluate(self, size: int | None = None) -> dict[str, float]:
        """Measure everything that was processed since the last call, on all ranks.

        Args:
            size: Not used. MMEngine cuts the collected list to this length, on the assumption that ranks take turns and
                pad; here each rank has whole videos, none twice, and anything else is an error that must be seen.

        Returns:
            The figures, on every rank.

        Raises:
            Exception: On every rank, so that none waits for the others: an InputError as it is; any other error
                as it is on the first rank, and as a RuntimeError with its message on the others.
        """
        parts = all_gather_object(self.results)
        self.results = []
        outcome: list[Any] = [None]
        failure: Exception | None = None
        if is_main_process():
            try:
                outcome = [self.compute_metrics(list(chain.from_iterable(parts)))]
            except Exception as error:
                failure = error
                # Any other error may refuse to travel, and takes its meaning from a traceback that stays here.
                told = f'the first process failed: {type(error).__name__}: {error}'
                outcome = [error if isinstance(error, InputError) else RuntimeError(told)]
        broadcast_object_list(outcome)
        if failure is not None:
            raise failure
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return {f'{self.prefix}/{key}' if self.prefix else key: value for key, value in outcome[0].items()}

    def figure_names(self) -> list[str]:
        """Names of the figures, with the prefix; to be asked for before a test, by all ranks together.

        They are those of a test in which nothing is found.
        """
        return list(self.evaluate())

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """The figures of all frames of all ranks; called on the first rank only."""
        ground_truth = load_ground_truth(self.ann_file, self.view)
        return self.compute(ground_truth, frames_by_video(results, ground_truth))

    @abstractmethod
    def compute(self, ground_truth: GroundTruth, videos: Mapping[int, list[dict]]) -> dict[str, float]:
        """The figures.

        Args:
            ground_truth: The annotation file.
            videos: By video id, the dicts of all T frames in order, as :class:`FrameMetric` describes them; only
                videos that were tested.

        Returns:
            Figures by name; the log and the JSON of ``tools/test.py`` have them as ``<prefix>/<name>``.
        """


def frames_by_video(results: list[dict], ground_truth: GroundTruth) -> dict[int, list[dict]]:
    """Order frames by video and time.

    Raises:
        InputError: A frame is a duplicate or missing, or belongs to no video of the annotation file, or to one of
            another length or size.
    """
    grouped: dict[int, dict[int, dict]] = {}
    for frame in results:
        video = ground_truth.video(frame['video_id'], 'results')
        _check_frame(frame, video, ground_truth.source)
        frames = grouped.setdefault(video.video_id, {})
        if frame['frame_id'] in frames:
            raise InputError(f'results: frame {frame["frame_id"]} of {video.label} came twice; test each frame once')
        frames[frame['frame_id']] = frame
    for video_id, frames in grouped.items():
        video = ground_truth.videos[video_id]
        missing = sorted(set(range(video.length)) - set(frames))
        if missing:
            raise InputError(
                f'results: {len(missing)} of {video.length} frames of {video.label} are missing, '
                f'the first is {missing[0]}; test whole videos'
            )
    return {
        video_id: [grouped[video_id][frame_id] for frame_id in sorted(grouped[video_id])]
        for video_id in sorted(grouped)
    }


def _check_frame(frame: dict, video: VideoRecord, source: str) -> None:
    where = f'results: frame {frame["frame_id"]} of {video.label}'
    if frame['video_length'] != video.length or not 0 <= frame['frame_id'] < video.length:
        raise InputError(
            f'{where}: the video was tested with {counted(frame["video_length"], "frame")} and has {video.length} in '
            f'{source}; give the annotation file that was tested on'
        )
    if frame['ori_shape'] != (video.height, video.width):
        raise InputError(
            f'{where}: height and width were {frame["ori_shape"]} and are {(video.height, video.width)} in {source}; '
            'correct the annotation file or the images'
        )
