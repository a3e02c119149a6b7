"""How steady the order of the slots, and with it the track IDs, is from frame to frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from pycocotools import mask as mask_utils
from scipy.optimize import linear_sum_assignment

from mmrcf.registry import METRICS

from ..functional.ground_truth import GroundTruth, Track
from ..functional.tracks import objects_by_video
from ..functional.video_evaluation import UNDEFINED, category_ids_of_classes
from .frame_metric import FrameMetric

MATCH_IOU = 0.5
"""An annotated object and a prediction belong together in a frame where their IoU is above this."""


@dataclass
class _Counts:
    """Counts of object-frames; an object-frame is one annotated object in one frame in which it is seen."""

    annotated: int = 0
    matched: int = 0
    slot_changes: int = 0
    id_changes: int = 0
    right_class: int = 0
    ious: list[float] = field(default_factory=list)


@METRICS.register_module()
class OrderMetric(FrameMetric):
    """Statistics of single frames, as fractions of 1 but for the two counts.

    In each frame annotated objects and shown predictions are matched one to one, whatever their class, so that the sum
    of the IoUs above 0.5 is greatest. Crowds and objects that are of no class of the model are left out.

    - ``matched``: number of annotated object-frames that have a match;
    - ``recall``: these as part of all annotated object-frames;
    - ``slot_changes``, ``id_changes``: in how many of the matched object-frames the slot, or the track ID, is
      another than in the last frame in which the same object was matched;
    - ``id_switches``: the number of the latter;
    - ``class_accuracy``, ``mean_iou``: over the matched object-frames, by the class predicted in the frame.

    A fraction of nothing is -1.
    """

    default_prefix = 'order'

    def compute(self, ground_truth: GroundTruth, videos: Mapping[int, list[dict]]) -> dict[str, float]:
        """See :class:`FrameMetric`."""
        category_ids = category_ids_of_classes(self.class_names(), ground_truth)
        counts = _Counts()
        for video_id, tracks in objects_by_video(ground_truth, category_ids).items():
            counts.annotated += sum(int((track.areas > 0).sum()) for track in tracks)
            if tracks and video_id in videos:
                _count_video(counts, tracks, videos[video_id], category_ids)
        return {
            'matched': float(counts.matched),
            'recall': fraction(counts.matched, counts.annotated),
            'slot_changes': fraction(counts.slot_changes, counts.matched),
            'id_changes': fraction(counts.id_changes, counts.matched),
            'id_switches': float(counts.id_changes),
            'class_accuracy': fraction(counts.right_class, counts.matched),
            'mean_iou': fraction(sum(counts.ious), counts.matched),
        }


def fraction(part: float, whole: int) -> float:
    """``part`` of ``whole``; :data:`UNDEFINED` where there is nothing."""
    return part / whole if whole else UNDEFINED


def _count_video(
    counts: _Counts, tracks: Sequence[Track], frames: Sequence[dict], category_ids: Sequence[int | None]
) -> None:
    """Add the matched objects of a video to ``counts``, and what changed since each was matched last."""
    last: dict[int, tuple[int, int]] = {}
    for index, frame in enumerate(frames):
        seen = [number for number, track in enumerate(tracks) if track.rles[index] is not None]
        for row, column, iou in match_masks([tracks[number].rles[index] for number in seen], frame['rles']):
            number = seen[row]
            slot, track_id = int(frame['queries'][column]), int(frame['ids'][column])
            last_slot, last_id = last.get(number, (slot, track_id))
            last[number] = slot, track_id
            counts.matched += 1
            counts.slot_changes += slot != last_slot
            counts.id_changes += track_id != last_id
            counts.right_class += category_ids[int(frame['labels'][column])] == tracks[number].category_id
            counts.ious.append(iou)


def match_masks(annotated: Sequence[dict], predicted: Sequence[dict]) -> list[tuple[int, int, float]]:
    """Match the masks of a frame one to one so that the sum of the IoUs above :data:`MATCH_IOU` is greatest.

    Args:
        annotated: Compressed RLE dicts.
        predicted: Compressed RLE dicts of the same size.

    Returns:
        (index in ``annotated``, index in ``predicted``, IoU) for each pair.
    """
    if not annotated or not predicted:
        return []
    iou = np.asarray(mask_utils.iou(list(annotated), list(predicted), [0] * len(predicted)))
    gain = np.where(iou > MATCH_IOU, iou, 0.0)
    pairs = zip(*linear_sum_assignment(gain, maximize=True), strict=True)
    return [(int(row), int(column), float(iou[row, column])) for row, column in pairs if gain[row, column] > 0]
