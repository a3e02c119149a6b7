"""How well each object is covered from its first frame to its last: DAVIS's region similarity J, of the best track."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from mmrcf.errors import InputError
from mmrcf.registry import METRICS

from ..functional.ground_truth import GroundTruth, Track
from ..functional.tracks import assemble_tracks, objects_by_video, region_overlap
from ..functional.video_evaluation import UNDEFINED, category_ids_of_classes
from .frame_metric import AnnotationSource, FrameMetric

RECALL_J = 0.5
"""An object counts as found where its J is above this."""

MAX_VIDEOS = 20
"""Videos that can have a figure each."""


@METRICS.register_module()
class RegionMetric(FrameMetric):
    """Region similarity J of DAVIS (Perazzi et al., CVPR 2016), of the track that covers an object best; in [0, 1].

    The J of an object and a track is the mean, over all frames of the video, of the IoU of their masks; a frame in
    which both are absent counts 1, one in which only one of them is there counts 0. A track is one track ID through the
    whole video, whatever its class and score, so a change of track ID costs all frames on one side of it. The J of an
    object is that of its best track. An object that no track ever meets scores 0, however often it is out of sight.
    Crowds, objects of no class of the model, and objects without a single pixel are left out.

    - ``J``: mean over the objects;
    - ``J_right_class``: the same, where only tracks of the object's class count; the class of a track is that of
      :class:`VISMetric`, the most probable one in the mean over the frames in which it is shown;
    - ``recall``: the part of the objects whose J is above 0.5 (DAVIS has the part of the frames);
    - with ``per_video``, ``J/<video>`` for each video: mean over its objects. A video is called by the folder of its
      frames, or by its id where they have none.

    Two objects may have the same best track, unlike in the unsupervised task of DAVIS, which assigns tracks to objects.
    A mean over nothing is -1.

    Args:
        ann_file: Annotation file, see :class:`FrameMetric`.
        classes: As :class:`FrameMetric`.
        per_video: Give the J of each video too. It is an error where more than 20 videos are tested, or two of one
            folder.
        collect_device: As in MMEngine.
        prefix: As in MMEngine.
    """

    default_prefix = 'region'

    def __init__(
        self,
        ann_file: AnnotationSource,
        classes: Sequence[str] | None = None,
        per_video: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(ann_file, classes, collect_device, prefix)
        self.per_video = per_video

    def check_annotations(self, ground_truth: GroundTruth) -> None:
        """See :class:`FrameMetric`."""
        super().check_annotations(ground_truth)
        if self.per_video:
            _video_names(ground_truth)

    def compute(self, ground_truth: GroundTruth, videos: Mapping[int, list[dict]]) -> dict[str, float]:
        """See :class:`FrameMetric`."""
        category_ids = category_ids_of_classes(self.class_names(), ground_truth)
        by_video = {
            video_id: _best_overlaps(objects, videos.get(video_id, ()), category_ids)
            for video_id, objects in objects_by_video(ground_truth, category_ids).items()
        }
        best, right = np.concatenate(list(by_video.values()), axis=1) if by_video else np.zeros((2, 0))
        figures = {'J': _mean(best), 'J_right_class': _mean(right), 'recall': _mean(best > RECALL_J)}
        if self.per_video:
            names = _video_names(ground_truth)
            figures |= {f'J/{names[video_id]}': _mean(overlaps[0]) for video_id, overlaps in by_video.items()}
        return figures


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else UNDEFINED


def _best_overlaps(
    annotated: Sequence[Track], frames: Sequence[dict], category_ids: Sequence[int | None]
) -> np.ndarray:
    """The J of the N annotated objects of a video that are seen: (2, N), of any track and of one of their class."""
    objects = [track for track in annotated if track.areas.any()]
    # Tracks of every class, evaluated or not: here their category is the label.
    tracks = assemble_tracks(frames, range(len(category_ids))) if objects and frames else []
    if not tracks:
        return np.zeros((2, len(objects)))
    overlap = region_overlap(tracks, objects)
    said = [category_ids[track.category_id] for track in tracks]
    right = [[category_id == track.category_id for track in objects] for category_id in said]
    return np.stack([overlap.max(0), np.where(right, overlap, 0.0).max(0)])


def _video_names(ground_truth: GroundTruth) -> dict[int, str]:
    """The name of each video in the figures, by video id."""
    source, videos = ground_truth.source, ground_truth.videos
    if len(videos) > MAX_VIDEOS:
        raise InputError(
            f'RegionMetric: per_video=True: {source} has {len(videos)} videos, expected at most {MAX_VIDEOS}; '
            'leave per_video out'
        )
    names = {video_id: video.folder or str(video_id) for video_id, video in videos.items()}
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        raise InputError(
            f'RegionMetric: per_video=True: {source} has two videos called {twice[0]!r}, expected a folder of its own '
            'for each; leave per_video out'
        )
    return names
