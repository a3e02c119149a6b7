"""Lists every problem of an annotation file, where reading it for use stops at the first."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pycocotools import mask as mask_utils

from mmrcf.defaults import MAX_SIDE
from mmrcf.errors import InputError
from mmrcf.utils import counted, read_image, read_json, require_folder

from ..orientation import UPRIGHT, file_orientation
from .problems import Location, Problem, Report, describe
from .reader import AnnotationReader
from .records import RLE, AnnotationRecord, VideoRecord

CheckVideos = Callable[[Sequence[tuple[Location, VideoRecord]], Report], None]
"""A further check of all videos, of their audio for instance, that reports what it finds."""


def validate_annotations(
    path: str | Path,
    image_root: str | Path | None = None,
    check_videos: CheckVideos | None = None,
    max_side: int = MAX_SIDE,
) -> list[Problem]:
    """Check an annotation file.

    Args:
        path: The JSON file, in any layout that the reader supports.
        image_root: Folder that the file names are relative to; with it, every frame is read.
        check_videos: A further check of the videos.
        max_side: Largest width and height of a video or image, in pixels.

    Returns:
        All problems: of the file, its categories, its videos, their audio, its annotations, each in the order of the
        file. The errors are those at which the reader stops.

    Raises:
        InputError: The file is missing, not JSON or not a JSON object, or a folder is missing.
    """
    problems: list[Problem] = []
    report = problems.append
    content = read_json(path, 'annotation file')
    reader = AnnotationReader(content, f'annotation file {path}', report, max_side=max_side)
    root = None if image_root is None else require_folder(image_root, 'image folder')
    if not reader.has_annotations:
        Location(report).warning(
            'annotations', 'missing or null; such a file serves for testing, not for training or evaluation'
        )
    elif reader.content['annotations'] == []:
        Location(report).warning('annotations', 'is an empty list')
    reader.read_categories()
    if reader.content.get('categories') == []:
        Location(report).error('categories', 'is an empty list, expected at least one category')
    for category_id in reader.categories:
        _check_id(Location(report, f'category {category_id}'), category_id)
    videos = []
    for location, video in reader.read_videos():
        _check_video(location, video, root)
        if video.file_names:
            videos.append((location, video))
    unit = 'image' if reader.has_images else 'video'
    if reader.content.get(f'{unit}s') == []:
        Location(report).error(f'{unit}s', f'is an empty list, expected at least one {unit}')
    if check_videos is not None:
        check_videos(videos, report)
    for location, annotation in reader.read_annotations() if reader.has_annotations else ():
        _check_annotation(location, annotation, reader.videos.get(annotation.video_id))
    return problems


def _check_id(location: Location, entry_id: int | None) -> None:
    if entry_id is not None and entry_id < 1:
        location.warning('id', f'is {entry_id}; some tools take ids below 1 for "no object"')


def _check_video(location: Location, video: VideoRecord, root: Path | None) -> None:
    _check_id(location, video.video_id)
    for name, count in Counter(video.file_names).items():
        if count > 1:
            location.warning('file_names', f'{name!r} is there {count} times')
    for frame, name in enumerate(video.file_names if root is not None else ()):
        field = 'file_name' if video.is_image else f'file_names[{frame}]'
        try:
            height, width = read_image(root / name).shape[:2]
        except InputError as error:
            location.error(field, str(error))
            continue
        _check_orientation(location, field, root / name)
        if 0 not in (video.height, video.width) and (height, width) != (video.height, video.width):
            expected = f'{"image" if video.is_image else "video"} {video.width} x {video.height}'
            location.error(field, f'{name} is {width} x {height} pixels, but the {expected}')


def _check_orientation(location: Location, field: str, path: Path) -> None:
    try:
        orientation = file_orientation(path)
    except OSError:  # of a format that only other libraries read
        return
    if orientation != UPRIGHT:
        location.warning(
            field,
            f'{path.name} has the EXIF orientation {orientation}, which turns or mirrors it for display, and so it is '
            "read; if its masks are of the stored pixels, use LoadClipFrames(orientation='ignore')",
        )


def _check_annotation(location: Location, annotation: AnnotationRecord, video: VideoRecord | None) -> None:
    if video is not None:
        location.name = f'{"image" if video.is_image else "video"} {video.video_id}, {location.name}'
    _check_id(location, annotation.annotation_id)
    if annotation.crowd:
        location.warning(
            'iscrowd', "is set; in training the track is background, or with crowds='ignore' an ignored region"
        )
    if video is None or not video.file_names or annotation.segmentations is None:
        return
    for key in ('length', 'height', 'width'):
        expected = getattr(video, key)
        if expected and annotation.entry.get(key, expected) != expected:
            location.warning(key, f'is {annotation.entry[key]!r}, but that of the video is {expected!r}')
    if not video.height or not video.width:
        return
    rles = video.decode(annotation.segmentations, location)
    for frame, rle in rles.items():
        if rle is None and annotation.segmentations[frame] is not None:
            field = 'segmentation' if video.is_image else f'segmentations[{frame}]'
            location.warning(field, 'the mask has no pixel, expected null where the object is absent')
    if len(rles) == len(annotation.segmentations) and not any(rles.values()):
        location.warning('segmentations', 'the object is in no frame')
    _check_derived(location, annotation.entry, rles, video)


def _check_derived(location: Location, entry: Any, rles: dict[int, RLE | None], video: VideoRecord) -> None:
    """Compare areas and boxes, which are derived from the masks, with the masks; one problem for each list."""
    derived = (('areas', 'area', _area_differs, _area), ('bboxes', 'bbox', _box_differs, _box))
    for key, of_image, differs, compute in derived:
        values = [entry.get(of_image)] if video.is_image else entry.get(key)
        if not isinstance(values, list):
            location.warning(key, f'is {describe(values)}, expected a list with an entry for each frame')
            continue
        if len(values) != video.length:
            location.warning(
                key, f'has {counted(len(values), "entry")}, but the video has {counted(video.length, "frame")}'
            )
        wrong = [frame for frame, rle in rles.items() if frame < len(values) and differs(values[frame], rle)]
        if wrong:
            location.warning(
                of_image if video.is_image else f'{key}[{wrong[0]}]',
                f'is {_shown(values[wrong[0]])}, but that of the mask is {_shown(compute(rles[wrong[0]]))}; '
                f'differs in {len(wrong)} of {counted(video.length, "frame")}',
            )


def _shown(value: Any) -> str:
    text = 'null' if value is None else str(value)
    return text if len(text) <= 60 else f'{text[:57]}...'


def _area(rle: RLE | None) -> int | None:
    return None if rle is None else int(mask_utils.area(rle))


def _box(rle: RLE | None) -> list[float] | None:
    return None if rle is None else mask_utils.toBbox(rle).tolist()


def _area_differs(area: Any, rle: RLE | None) -> bool:
    """True if an area is not that of the mask, up to what a polygon loses when it becomes pixels."""
    if rle is None or area is None:
        return rle is not None or bool(area)
    if not isinstance(area, (int, float)):
        return True
    true_area = _area(rle)
    return abs(area - true_area) > max(10.0, 0.05 * true_area)


def _box_differs(box: Any, rle: RLE | None) -> bool:
    """True if a box (x, y, width, height) is not around the mask, up to two pixels."""
    if rle is None or box is None:
        return rle is not None or (box is not None and box != [] and box != [0, 0, 0, 0])
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(value, (int, float)) for value in box):
        return True
    return any(abs(value - true) > 2.0 for value, true in zip(box, _box(rle), strict=True))
