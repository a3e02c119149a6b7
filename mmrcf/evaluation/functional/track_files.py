"""Predicted tracks in the layout of YouTube-VIS, as the demo writes them: read for an evaluation, and exported.

The layout is that of an annotation file; each annotation also has its ``score``, and its ``track_id``.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from pycocotools import mask as mask_utils

from mmrcf.datasets.annotations.problems import Location, describe, refuse
from mmrcf.datasets.annotations.reader import parse_annotations
from mmrcf.datasets.annotations.records import AnnotationFile, AnnotationRecord, VideoRecord
from mmrcf.errors import InputError
from mmrcf.utils import counted

from .ground_truth import GroundTruth, Track


def parse_tracks(content: Any, ground_truth: GroundTruth, source: str) -> list[Track]:
    """Tracks for the videos of an annotation file, under its ids.

    A video is found by the names of its frames, else by the folder of its first frame; a single one goes with a single
    one whatever its name. Categories are found by name; tracks of one that the annotation file lacks are left out.

    Args:
        content: The parsed JSON.
        ground_truth: The annotation file.
        source: What messages call the tracks.

    Raises:
        InputError: A field cannot be used, a track has no score, or a video is not in the annotation file or has
            another size or length there.
    """
    file = parse_annotations(content, source)
    videos = {video.video_id: _same_video(video, file, ground_truth) for video in file.videos.values()}
    ids = {name: category_id for category_id, name in ground_truth.categories.items()}
    return [
        Track(videos[item.video_id].video_id, ids[name], file.rles(item), track_score(item, source))
        for item in file.require_annotations()
        if (name := file.categories[item.category_id]) in ids
    ]


def track_score(item: AnnotationRecord, source: str) -> float:
    """The score of a predicted track. Raises :class:`InputError` if it has none that is a finite number."""
    return read_score(Location(refuse(source), f'annotation {item.annotation_id}'), item.entry)


def read_score(location: Location, entry: Any) -> float:
    """The field ``score`` of an entry; it is an error if it is no finite number."""
    score = location.read(entry, 'score', int, float)
    if not abs(score) <= sys.float_info.max:  # whole numbers have no limit; NaN compares with nothing
        location.error('score', f'is {describe(score)}, expected a finite number')
    return float(score)


def _track_id(item: AnnotationRecord, source: str) -> int:
    """The track ID of a predicted track; without one, the id of its annotation."""
    location = Location(refuse(source), f'annotation {item.annotation_id}')
    return location.read(item.entry, 'track_id', int, default=item.annotation_id)


def mot_lines(file: AnnotationFile, video_id: int) -> Iterator[str]:
    """The tracks of a video as text of MOTChallenge: ``frame,id,left,top,width,height,score,-1,-1,-1``.

    Frames, ids and pixels count from 1 as they do there; the box is around the mask. Categories have no place in it.

    Args:
        file: Predicted tracks.
        video_id: The video.
    """
    items = [item for item in file.require_annotations() if item.video_id == video_id]
    track_ids = [_track_id(item, file.source) for item in items]
    shift = max(0, 1 - min(track_ids, default=1))
    rows = []
    for item, track_id in zip(items, track_ids, strict=True):
        score = track_score(item, file.source)
        for frame, rle in enumerate(file.rles(item), start=1):
            if rle is not None:
                left, top, width, height = (int(side) for side in mask_utils.toBbox(rle))
                rows.append((frame, track_id + shift, left + 1, top + 1, width, height, score))
    for *whole, score in sorted(rows):
        yield f'{",".join(map(str, whole))},{score:.6f},-1,-1,-1'


def coco_results(file: AnnotationFile, images: GroundTruth | None = None) -> list[dict]:
    """The tracks as detections of single frames, in the format of COCO results, with ``track_id`` beside its fields.

    Args:
        file: Predicted tracks.
        images: A COCO file: its image ids by file name, and its category ids by name, are used. None: images count
            from 1 in the order of videos and frames, and categories keep their ids.

    Raises:
        InputError: A frame or a category is not in ``images``.
    """
    if images is None:
        names = [(video.video_id, frame) for video in file.videos.values() for frame in range(video.length)]
        image_ids = {location: number for number, location in enumerate(names, start=1)}
        category_ids = {category_id: category_id for category_id in file.categories}
    else:
        known = {image.file_names[0]: image.video_id for image in images.videos.values()}
        image_ids = {
            (video.video_id, frame): _known(known, name, 'file name', file.source, images.source)
            for video in file.videos.values()
            for frame, name in enumerate(video.file_names)
        }
        known = {name: category_id for category_id, name in images.categories.items()}
        category_ids = {
            category_id: _known(known, name, 'category', file.source, images.source)
            for category_id, name in file.categories.items()
        }
    return [
        dict(
            image_id=image_ids[item.video_id, frame],
            category_id=category_ids[item.category_id],
            bbox=[int(side) for side in mask_utils.toBbox(rle)],
            segmentation=dict(size=[int(side) for side in rle['size']], counts=rle['counts'].decode('ascii')),
            score=track_score(item, file.source),
            track_id=_track_id(item, file.source),
        )
        for item in file.require_annotations()
        for frame, rle in enumerate(file.rles(item))
        if rle is not None
    ]


def _known(ids: Mapping[str, int], name: str, what: str, source: str, where: str) -> int:
    if name not in ids:
        raise InputError(f'{source}: {what} {name!r} is not in {where}; give the file of these frames')
    return ids[name]


def _same_video(video: VideoRecord, file: AnnotationFile, ground_truth: GroundTruth) -> VideoRecord:
    """The video of the annotation file that ``video`` is."""
    others = list(ground_truth.videos.values())
    if len(file.videos) > 1 or len(others) > 1:
        same = [other for other in others if other.file_names == video.file_names]
        others = same or [other for other in others if other.folder == video.folder != '']
    if len(others) != 1:
        raise InputError(
            f'{file.source}: {video.label} fits {len(others)} videos of {ground_truth.source}, by the names of its '
            'frames and by their folder; name the video as there, or give annotations of this video alone'
        )
    (other,) = others
    found, expected = ((item.length, item.width, item.height) for item in (video, other))
    if found != expected:
        raise InputError(
            f'{file.source}: {video.label} has {counted(found[0], "frame")} of {found[1]}x{found[2]} pixels, and '
            f'{expected[0]} of {expected[1]}x{expected[2]} in {ground_truth.source}; give tracks of the same frames'
        )
    return other
