"""Whether the model tells apart objects that look alike: only audio or the past determines their class."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmrcf.datasets.annotations.reader import read_annotations
from mmrcf.datasets.annotations.view import AnnotationView
from mmrcf.errors import InputError
from mmrcf.registry import METRICS

from ..functional.ground_truth import GroundTruth, Track
from ..functional.tracks import assemble_tracks
from ..functional.video_evaluation import UNDEFINED, VideoEvaluation, category_ids_of_classes
from .frame_metric import AnnotationSource, FrameMetric
from .order_metric import fraction, match_masks

Groups = Mapping[int, tuple[int, ...]]
"""For each category of a group, the categories of its group, itself among them."""


@dataclass
class _Counts:
    """Object-frames and objects that were compared, and those of them that were right."""

    frames: int = 0
    right_frames: int = 0
    sounding_frames: int = 0
    right_sounding_frames: int = 0
    tracks: int = 0
    right_tracks: int = 0


@METRICS.register_module()
class LookAlikeMetric(FrameMetric):
    """How often the right member of a group of look-alikes is named, as fractions of 1; by chance 1 / members.

    Objects and shown predictions are matched frame by frame as :class:`OrderMetric` does it. Crowds, objects of no
    class of the model, and groups of which the model has one class only are left out.

    - ``frames``: annotated object-frames that are matched by a prediction of their group; ``frame_accuracy``: the part
      of them whose predicted class is the right member;
    - ``sounding_frames``, ``sounding_frame_accuracy``: those in which the object sounds, by the ``loudness`` of its
      annotation (a number for each frame, 0 for silence); absent where no annotation has it;
    - ``tracks``: annotated objects that are matched in at least one frame; ``track_accuracy``: the part of them where
      the track ID that is matched most often has, in the mean over the frames in which it is shown, the right member as
      the most probable one of the group;
    - ``videos``: videos in which different members of one group are annotated; ``AP`` and ``AP50`` of all objects of
      these videos, in percent.

    A fraction of nothing is -1.

    Args:
        ann_file: Annotation file, see :class:`FrameMetric`.
        groups: Names of the classes of each group, two or more, as the view of the file has them. None: classes that
            share the part of their name before the last '-' ('disc-hum' and 'disc-hiss').
        classes: As :class:`FrameMetric`.
        collect_device: As in MMEngine.
        prefix: As in MMEngine.
    """

    default_prefix = 'pairs'

    def __init__(
        self,
        ann_file: AnnotationSource,
        groups: Sequence[Sequence[str]] | None = None,
        classes: Sequence[str] | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(ann_file, classes, collect_device, prefix)
        self.groups = groups

    def check_annotations(self, ground_truth: GroundTruth) -> None:
        """See :class:`FrameMetric`.

        Raises:
            InputError: A group has fewer than two classes, or one that is no category or in another group as well; or
                there is no group; or a ``loudness`` has not one number for each frame.
        """
        super().check_annotations(ground_truth)
        resolve_groups(self.groups, ground_truth)
        read_loudness(self.ann_file, self.view)

    def compute(self, ground_truth: GroundTruth, videos: Mapping[int, list[dict]]) -> dict[str, float]:
        """See :class:`FrameMetric`."""
        category_ids = category_ids_of_classes(self.class_names(), ground_truth)
        groups = {
            category_id: tuple(member for member in members if member in category_ids)
            for category_id, members in resolve_groups(self.groups, ground_truth).items()
        }
        groups = {key: members for key, members in groups.items() if key in members and len(members) > 1}
        loudness = read_loudness(self.ann_file, self.view)
        annotated: dict[int, list[tuple[Track, np.ndarray | None]]] = defaultdict(list)
        for track, loud in zip(ground_truth.require_tracks(), loudness, strict=True):
            if track.category_id in category_ids and not track.crowd:
                annotated[track.video_id].append((track, loud))
        counts = _Counts()
        for video_id, frames in videos.items():
            _count_video(counts, annotated[video_id], frames, category_ids, groups)
        figures = {
            'frame_accuracy': fraction(counts.right_frames, counts.frames),
            'track_accuracy': fraction(counts.right_tracks, counts.tracks),
            'frames': float(counts.frames),
            'tracks': float(counts.tracks),
        }
        if any(loud is not None for loud in loudness):
            figures['sounding_frame_accuracy'] = fraction(counts.right_sounding_frames, counts.sounding_frames)
            figures['sounding_frames'] = float(counts.sounding_frames)
        return figures | _pair_precision(ground_truth, videos, category_ids, groups)


def _count_video(
    counts: _Counts,
    annotated: Sequence[tuple[Track, np.ndarray | None]],
    frames: Sequence[dict],
    category_ids: Sequence[int | None],
    groups: Groups,
) -> None:
    """Add the frames and the objects of a video to ``counts``.

    Args:
        counts: Changed in place.
        annotated: The objects, each with its loudness over the frames where that is known.
        frames: The predictions, one record a frame.
        category_ids: Category by class index of the model.
        groups: For each category, those that look like it.
    """
    track_ids: list[Counter[int]] = [Counter() for _ in annotated]
    for index, frame in enumerate(frames):
        seen = [number for number, (track, _) in enumerate(annotated) if track.rles[index] is not None]
        for row, column, _ in match_masks([annotated[number][0].rles[index] for number in seen], frame['rles']):
            track, loud = annotated[seen[row]]
            track_ids[seen[row]][int(frame['ids'][column])] += 1
            predicted = category_ids[int(frame['labels'][column])]
            if predicted not in groups.get(track.category_id, ()):
                continue
            right = predicted == track.category_id
            counts.frames += 1
            counts.right_frames += right
            if loud is not None and loud[index] > 0:
                counts.sounding_frames += 1
                counts.right_sounding_frames += right
    means = _mean_class_probs(frames)
    for (track, _), matches in zip(annotated, track_ids, strict=True):
        if matches and track.category_id in groups:
            # The smaller track ID is the older one; it goes first where two are matched equally often.
            track_id = min(matches, key=lambda key: (-matches[key], key))
            members = [label for label, key in enumerate(category_ids) if key in groups[track.category_id]]
            predicted = category_ids[members[int(means[track_id][members].argmax())]]
            counts.tracks += 1
            counts.right_tracks += predicted == track.category_id


def _mean_class_probs(frames: Sequence[dict]) -> dict[int, np.ndarray]:
    """For each track ID the mean (K,) over the frames in which it is shown."""
    probs: dict[int, list[np.ndarray]] = defaultdict(list)
    for frame in frames:
        for track_id, distribution in zip(frame['ids'].tolist(), frame['class_probs'], strict=True):
            probs[track_id].append(distribution)
    return {track_id: np.mean(values, axis=0, dtype=np.float64) for track_id, values in probs.items()}


def _pair_precision(
    ground_truth: GroundTruth, videos: Mapping[int, list[dict]], category_ids: Sequence[int | None], groups: Groups
) -> dict[str, float]:
    """``videos``, ``AP`` and ``AP50`` of the videos in which different members of a group are annotated."""
    present: dict[int, set[int]] = defaultdict(set)
    for track in ground_truth.require_tracks():
        if not track.crowd:
            present[track.video_id].add(track.category_id)
    mixed = {
        video_id
        for video_id, members in present.items()
        if any(len(members & set(groups.get(category_id, ()))) > 1 for category_id in members)
    }
    if not mixed:
        return {'videos': 0.0, 'AP': UNDEFINED, 'AP50': UNDEFINED}
    part = GroundTruth(
        ground_truth.source,
        {video_id: ground_truth.videos[video_id] for video_id in sorted(mixed)},
        ground_truth.categories,
        tuple(track for track in ground_truth.require_tracks() if track.video_id in mixed),
    )
    predictions = [
        track for video_id in sorted(mixed & set(videos)) for track in assemble_tracks(videos[video_id], category_ids)
    ]
    figures = VideoEvaluation(part, predictions, [key for key in category_ids if key is not None]).metrics()
    return {'videos': float(len(mixed)), 'AP': figures['AP'], 'AP50': figures['AP50']}


def resolve_groups(groups: Sequence[Sequence[str]] | None, ground_truth: GroundTruth) -> Groups:
    """The groups as category ids; see :class:`LookAlikeMetric`."""
    names = tuple(ground_truth.categories.values())
    if groups is None:
        by_look: dict[str, list[str]] = defaultdict(list)
        for name in names:
            if '-' in name:
                by_look[name.rpartition('-')[0]].append(name)
        groups = [members for members in by_look.values() if len(members) > 1]
        if not groups:
            raise InputError(
                f'LookAlikeMetric: no two categories of {ground_truth.source} share their name before a hyphen; '
                'give groups=[[class, class, ...], ...]'
            )
    if not groups or any(isinstance(members, str) or len(set(members)) < 2 for members in groups):
        raise InputError(f'LookAlikeMetric: groups={groups!r}: expected groups of at least two class names each')
    counts = Counter(name for members in groups for name in members)
    unusable = [name for name, count in counts.items() if count > 1 or name not in names]
    if unusable:
        raise InputError(
            f'LookAlikeMetric: groups={groups!r}: {unusable[0]!r} is '
            + ('a duplicate; each class may be in one group' if unusable[0] in names else 'not a category')
            + f' (categories of {ground_truth.source}: {", ".join(names[:10])})'
        )
    ids = {name: category_id for category_id, name in ground_truth.categories.items()}
    return {ids[name]: tuple(ids[other] for other in members) for members in groups for name in members}


def read_loudness(ann_file: str | Path, view: AnnotationView) -> list[np.ndarray | None]:
    """(T,) float64 for each annotation of the view of a file, in its order; None where it has no ``loudness``.

    Raises:
        InputError: There is not one number for each frame.
    """
    loudness: list[np.ndarray | None] = []
    file = read_annotations(ann_file, view)
    for item in file.require_annotations():
        values, length = item.entry.get('loudness'), file.videos[item.video_id].length
        if values is None:
            loudness.append(None)
            continue
        numbers = isinstance(values, list) and all(isinstance(value, int | float) for value in values)
        if not numbers or len(values) != length:
            raise InputError(
                f'{file.source}: annotation {item.annotation_id}: loudness: expected {length} numbers, one a frame; '
                'correct it or leave it out'
            )
        loudness.append(np.array(values, np.float64))
    return loudness
