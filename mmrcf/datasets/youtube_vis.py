"""YouTube-VIS 2019 and 2021, and every data set in their official layout, read as it is published."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from mmengine.dataset import BaseDataset

from mmrcf.defaults import MAX_SIDE
from mmrcf.errors import InputError
from mmrcf.registry import DATASETS
from mmrcf.structures import IGNORED_LABEL

from .annotations.labels import read_labelled_videos
from .annotations.records import FrameObject, VideoRecord
from .annotations.segmentation import outside_record
from .annotations.view import AnnotationView, Names
from .classes import resolve_classes
from .clips import ClipRequest, build_pipeline, index_and_rng, note_files, resolve_prefix, sample_clip


@DATASETS.register_module()
class YouTubeVISDataset(BaseDataset):
    """Videos with instance masks in the official YouTube-VIS JSON; the images of a COCO JSON are videos of one frame.

    In training an item is a clip of one video (``len`` = number of videos): delta references followed by S targets. In
    testing an item is one frame (``len`` = number of frames; the frames of a video are contiguous and in order),
    without ground truth. ``metainfo['tested']`` then names the tested part of the annotation file, and the metrics use
    the same part (:class:`~mmrcf.evaluation.metrics.frame_metric.FrameMetric`).

    Args:
        ann_file: Annotation file, relative to ``data_root``.
        data_root: Folder of the data set.
        data_prefix: ``img``: folder of the frames, relative to ``data_root``.
        metainfo: ``classes``: class names, or the name of a list in ``classes.CLASS_LISTS``. Without it, the file's
            own categories in the order of their ids.
        ignore_categories: Categories of the file that are left out with their annotations. Any other category that is
            not a class is an error.
        class_map: Category of the file to class name, or the name of a map in ``class_maps.CLASS_MAPS``; categories
            that are not in it are left out. None where the names are the same.
        only: Videos to take, by id or by the folder of their first frame: a list, or a text file with one a line. None:
            all.
        exclude: Videos to leave out, in the same way.
        max_side: Largest width and height in pixels; larger ones are an error.
        pipeline: Transforms, see ``mmrcf/datasets/transforms``.
        num_references: delta, at least 0.
        num_targets: S, at least 1.
        max_gap: Largest step between neighbouring frames of a training clip, at least 1.
        drop_empty_videos: Leave out videos without any object in training.
        max_sampling_tries: How often frames are drawn, at most, until a target has an object.
        partly_labelled: Only some objects of the videos are labelled. In training, everything outside the labelled
            objects is an ignored region, and so is the whole frame if it has none.
        crowds: ``'drop'``: the pixels of annotations with ``iscrowd`` are background; ``'ignore'``: in training they
            are an ignored region.
        test_mode: Items are frames.
        lazy_init: Read the annotation file at the first use.

    Attributes:
        object_counts: Number of labelled objects of each frame, those of all videos after each other.

    Raises:
        InputError: Annotations or images cannot be used; the message names the file and the field.
    """

    other_folders: tuple[str, ...] = ()
    """Keys of ``data_prefix`` beside ``img``; for a data set with more than frames."""

    def __init__(
        self,
        ann_file: str,
        data_root: str = '',
        data_prefix: dict | None = None,
        metainfo: dict | None = None,
        ignore_categories: Sequence[str] = (),
        class_map: str | Mapping[str, str] | None = None,
        only: Names = None,
        exclude: Names = None,
        max_side: int = MAX_SIDE,
        pipeline: Sequence[dict | Callable] | None = None,
        num_references: int = 1,
        num_targets: int = 1,
        max_gap: int = 1,
        drop_empty_videos: bool = True,
        max_sampling_tries: int = 10,
        partly_labelled: bool = False,
        crowds: Literal['drop', 'ignore'] = 'drop',
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        if num_references < 0 or num_targets < 1 or max_gap < 1 or max_sampling_tries < 1:
            raise InputError(
                f'YouTubeVISDataset: num_references={num_references} (at least 0), num_targets={num_targets}, '
                f'max_gap={max_gap}, max_sampling_tries={max_sampling_tries} (at least 1); correct the config'
            )
        if not isinstance(partly_labelled, bool):
            raise InputError(
                f'YouTubeVISDataset: partly_labelled={partly_labelled!r}, expected True or False: it applies to all '
                'videos; fields of single ones are not read'
            )
        if crowds not in ('drop', 'ignore'):
            raise InputError(f"YouTubeVISDataset: crowds={crowds!r}, expected 'drop' or 'ignore'")
        self.ignore_categories = tuple(ignore_categories)
        self.num_references = num_references
        self.num_targets = num_targets
        self.max_gap = max_gap
        self.drop_empty_videos = drop_empty_videos
        self.max_sampling_tries = max_sampling_tries
        self.partly_labelled = partly_labelled
        self.crowds = crowds
        self.view = AnnotationView(class_map, only, exclude, max_side)
        metainfo = dict(metainfo or {})
        for key in metainfo.keys() - {'classes'}:
            if difflib.get_close_matches(key, ['classes'], cutoff=0.75):
                raise InputError(f"{type(self).__name__}: metainfo.{key} is not read; did you mean 'classes'?")
        super().__init__(
            ann_file=str(ann_file),
            metainfo=metainfo | dict(classes=resolve_classes(metainfo.get('classes'))),
            data_root=str(data_root),
            data_prefix=resolve_prefix(data_prefix, self.other_folders),
            test_mode=test_mode,
            lazy_init=lazy_init,
        )
        self.pipeline = build_pipeline(pipeline)

    def read_videos(self) -> tuple[tuple[str, ...], list[VideoRecord]]:
        """Read class names and videos of ``ann_file``.

        A data set in another layout overrides this, and applies ``view``.
        """
        return read_labelled_videos(
            self.ann_file,
            self._metainfo['classes'],
            self.ignore_categories,
            with_objects=not self.test_mode,
            view=self.view,
            with_crowds=self.crowds == 'ignore',
        )

    def load_data_list(self) -> list[dict]:
        """Read the annotation file.

        Returns:
            One entry a FRAME: MMEngine packs each entry for itself, so fetching a frame costs the same in a video of
            any length.
        """
        classes, videos = self.read_videos()
        if self.drop_empty_videos and not self.test_mode:
            videos = [video for video in videos if any(map(_labelled, video.objects))]
            if not videos:
                raise InputError(
                    f'annotation file {self.ann_file}: no video has an object of the {len(classes)} classes; '
                    'check metainfo.classes and ignore_categories'
                )
        self._metainfo['classes'] = classes
        if self.test_mode:
            self._metainfo['tested'] = dict(view=self.view.as_dict(), video_ids=[video.video_id for video in videos])
        self.video_lengths = np.array([len(video.file_names) for video in videos])
        self.video_starts = np.cumsum(self.video_lengths) - self.video_lengths
        self.object_counts = np.array([len(_labelled(objects)) for video in videos for objects in video.objects])
        self.frame_has_object = self.object_counts > 0
        records = [frame for video in videos for frame in self.frame_records(video)]
        note_files(records, self.data_prefix)
        return records

    def frame_records(self, video: VideoRecord) -> list[dict]:
        """The dicts of the frames of a video, which the pipeline gets. A data set with more than frames adds keys."""
        return [
            dict(
                img_path=str(Path(self.data_prefix['img']) / name),
                frame_id=index,
                video_id=video.video_id,
                video_length=len(video.file_names),
                ori_shape=(video.height, video.width),
                instances=self._instances(video, objects),
            )
            for index, (name, objects) in enumerate(zip(video.file_names, video.objects, strict=True))
        ]

    def _instances(self, video: VideoRecord, objects: Sequence[FrameObject]) -> list[dict]:
        instances = [vars(item) for item in objects]
        if self.partly_labelled and not self.test_mode:
            labelled = [vars(item) for item in _labelled(objects)]
            instances.append(outside_record(labelled, video.height, video.width))
        return instances

    def __len__(self) -> int:
        """Number of frames in testing, of videos in training."""
        if not self._fully_initialized:
            self.full_init()
        return int(self.video_lengths.sum()) if self.test_mode else len(self.video_lengths)

    def get_data_info(self, item: int | ClipRequest) -> dict:
        """The records of an item, for each key a list with one entry a frame; see the class for what an item is.

        Args:
            item: An index; or, in training, a :class:`ClipRequest`, which makes the clip a function of its seed.
        """
        if self.test_mode:
            return {key: [value] for key, value in super().get_data_info(item).items()}
        video, rng = index_and_rng(item)
        if not 0 <= video < len(self):
            raise IndexError(f'video {video} of {len(self)}')
        clip = self._draw_clip(rng, video)
        read = super().get_data_info
        frames = {frame: read(int(self.video_starts[video]) + frame) for frame in set(clip)}
        records = [frames[frame] for frame in clip]
        return {key: [record[key] for record in records] for key in records[0]} | dict(rng=rng)

    def _draw_clip(self, rng: np.random.Generator, video: int) -> list[int]:
        """Draw the frames of a clip, again at most ``max_sampling_tries`` times while no target has an object."""
        start, length = self.video_starts[video], int(self.video_lengths[video])
        for _ in range(self.max_sampling_tries):
            clip = sample_clip(rng, length, self.num_references, self.num_targets, self.max_gap)
            if self.frame_has_object[start + np.array(clip[-self.num_targets :])].any():
                break
        return clip


def _labelled(objects: Sequence[FrameObject]) -> list[FrameObject]:
    """The objects of a frame without its ignored regions."""
    return [item for item in objects if item.label != IGNORED_LABEL]
