"""The annotated objects that a metric of single objects looks at."""

from collections.abc import Sequence

from .ground_truth import GroundTruth, Track


def objects_by_video(ground_truth: GroundTruth, category_ids: Sequence[int | None]) -> dict[int, list[Track]]:
    """The annotated objects of some categories, without crowds, by video id; a video without any has an empty list.

    Args:
        ground_truth: With annotations.
        category_ids: The category of each class of a model; None for a class that is not evaluated.

    Raises:
        InputError: The ground truth has no annotations.
    """
    objects: dict[int, list[Track]] = {video_id: [] for video_id in ground_truth.videos}
    for track in ground_truth.require_tracks():
        if track.category_id in category_ids and not track.crowd:
            objects[track.video_id].append(track)
    return objects
