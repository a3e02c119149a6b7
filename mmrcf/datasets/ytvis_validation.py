"""Lists every problem of an annotation file in the official YouTube-VIS layout, where the reader stops at the first."""

from collections import Counter
from pathlib import Path
from typing import Any

from mmrcf.errors import InputError
from mmrcf.utils import read_image, read_json, require_folder

from .audio_validation import AudioFolder, check_audio_files
from .derived_fields import area_differs, box_differs
from .problems import Place, Problem
from .segmentation import SegmentationError, segmentation_to_rle


def validate_ytvis(
    path: str | Path, image_root: str | Path | None = None, audio: AudioFolder | None = None
) -> list[Problem]:
    """Check an annotation file.

    Args:
        path: The JSON file.
        image_root: Folder that the file names are relative to; with it, every frame is read.
        audio: Where the audio files are; with it, every one is read, and the times of the frames are checked.

    Returns:
        All problems: of the file, its categories, its videos, their audio, its annotations, each in the order of the
        file.

    Raises:
        InputError: The file is missing, not JSON or not a JSON object, or a folder is missing.
    """
    content = read_json(path, 'annotation file')
    if not isinstance(content, dict):
        raise InputError(f'annotation file {path}: expected a JSON object, found {_kind(content)}; give another file')
    if 'images' in content and 'videos' not in content:
        raise InputError(
            f'annotation file {path}: has images and no videos, as a COCO file; only the YouTube-VIS layout is checked '
            'here. A data set names the first thing wrong in a COCO file: draw clips of its config with '
            'tools/misc/browse_dataset.py'
        )
    root = None if image_root is None else require_folder(image_root, 'image folder')
    problems: list[Problem] = []
    parts = {part: _check_part(content, part, problems) for part in ('categories', 'videos', 'annotations')}
    _check_unique(Place(problems, 'categories'), 'name', parts['categories'])
    for index, category in enumerate(parts['categories']):
        place = Place(problems, f'categories[{index}]')
        if _check_entry(place, category) and not isinstance(category.get('name'), str):
            place.error('name', f'is {_kind(category.get("name"))}, expected a string')
    for index, video in enumerate(parts['videos']):
        _check_video(Place(problems, f'videos[{index}]'), video, root)
    if audio is not None:
        check_audio_files(parts['videos'], audio, problems)
    videos = {video['id']: video for video in parts['videos'] if _has_id(video)}
    categories = {category['id'] for category in parts['categories'] if _has_id(category)}
    for index, annotation in enumerate(parts['annotations']):
        _check_annotation(Place(problems, f'annotations[{index}]'), annotation, videos, categories)
    return problems


def _kind(value: Any) -> str:
    return 'missing or null' if value is None else f'a {type(value).__name__}'


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _has_id(entry: Any) -> bool:
    return isinstance(entry, dict) and _is_whole(entry.get('id'))


def _check_part(content: dict, part: str, problems: list[Problem]) -> list:
    place, entries = Place(problems, 'file'), content.get(part)
    if part == 'annotations' and entries is None:
        place.warning(part, 'missing or null; such a file serves for testing, not for training or evaluation')
        return []
    if not isinstance(entries, list):
        place.error(part, f'is {_kind(entries)}, expected a list')
        return []
    if not entries:
        (place.warning if part == 'annotations' else place.error)(part, 'is an empty list')
    _check_unique(Place(problems, part), 'id', entries)
    return entries


def _check_unique(place: Place, key: str, entries: list) -> None:
    values = [entry.get(key) for entry in entries if isinstance(entry, dict)]
    for value, count in Counter(value for value in values if isinstance(value, (int, str))).items():
        if count > 1:
            place.error(key, f'{value!r} is there {count} times, expected once')


def _check_entry(place: Place, entry: Any) -> bool:
    """Check that an entry is an object with an id. False if it is no object, so that there is no more to check."""
    if not isinstance(entry, dict):
        place.error('entry', f'is {_kind(entry)}, expected a JSON object')
        return False
    if not _is_whole(entry.get('id')):
        place.error('id', f'is {_kind(entry.get("id"))}, expected a whole number')
    elif entry['id'] < 1:
        place.warning('id', f'is {entry["id"]}; some tools take ids below 1 for "no object"')
    return True


def _check_video(place: Place, video: Any, root: Path | None) -> None:
    if _has_id(video):
        place.name, place.video_id = f'video {video["id"]}', video['id']
    if not _check_entry(place, video):
        return
    for key in ('height', 'width'):
        if not _is_whole(video.get(key)) or video[key] < 1:
            place.error(key, f'is {video.get(key)!r}, expected a positive number of pixels')
    names = video.get('file_names')
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        place.error('file_names', 'expected the path of every frame in a list')
        return
    if video.get('length', len(names)) != len(names):
        place.error('length', f'is {video["length"]!r}, but there are {len(names)} file_names')
    for name, count in Counter(names).items():
        if count > 1:
            place.warning('file_names', f'{name!r} is there {count} times')
    if root is not None:
        _check_images(place, video, root)


def _check_images(place: Place, video: dict, root: Path) -> None:
    for frame, name in enumerate(video['file_names']):
        try:
            height, width = read_image(root / name).shape[:2]
        except InputError as error:
            place.error(f'file_names[{frame}]', str(error))
            continue
        if (height, width) != (video.get('height'), video.get('width')):
            expected = f'{video.get("width")} x {video.get("height")}'
            place.error(f'file_names[{frame}]', f'{name} is {width} x {height} pixels, but the video {expected}')


def _check_annotation(place: Place, annotation: Any, videos: dict[int, dict], categories: set[int]) -> None:
    if _has_id(annotation):
        place.name, place.annotation_id = f'annotation {annotation["id"]}', annotation['id']
    if not _check_entry(place, annotation):
        return
    video = None
    for key, known in (('video_id', videos), ('category_id', categories)):
        value = annotation.get(key)
        if not _is_whole(value):
            place.error(key, f'is {_kind(value)}, expected a whole number')
        elif value not in known:
            place.error(key, f'is {value}, but there is no such {key.removesuffix("_id")}')
        elif key == 'video_id':
            video = videos[value]
            place.name, place.video_id = f'video {value}, {place.name}', value
    if annotation.get('iscrowd') not in (None, 0, 1):
        place.warning('iscrowd', f'is {annotation["iscrowd"]!r}, expected 0 or 1')
    if annotation.get('iscrowd'):
        place.warning('iscrowd', 'is set; the track is left out of training')
    _check_track(place, annotation, video)


def _check_track(place: Place, annotation: dict, video: dict | None) -> None:
    segmentations = annotation.get('segmentations')
    if not isinstance(segmentations, list):
        place.error('segmentations', f'is {_kind(segmentations)}, expected a list with an entry for each frame')
        return
    if video is None or not isinstance(video.get('file_names'), list):
        return
    frames = len(video['file_names'])
    if len(segmentations) != frames:
        place.error('segmentations', f'has {len(segmentations)} entries, but the video has {frames} frames')
    for key, expected in (('length', frames), ('height', video.get('height')), ('width', video.get('width'))):
        if annotation.get(key, expected) != expected:
            place.warning(key, f'is {annotation[key]!r}, but that of the video is {expected!r}')
    if not all(_is_whole(video.get(key)) and video[key] > 0 for key in ('height', 'width')):
        return
    rles: dict[int, dict | None] = {}
    for frame, segmentation in enumerate(segmentations):
        try:
            rles[frame] = segmentation_to_rle(segmentation, video['height'], video['width'])
        except SegmentationError as error:
            place.error(f'segmentations[{frame}]', str(error))
            continue
        if segmentation is not None and rles[frame] is None:
            place.warning(f'segmentations[{frame}]', 'the mask has no pixel, expected null where the object is absent')
    if len(rles) == len(segmentations) and not any(rles.values()):
        place.warning('segmentations', 'the object is in no frame')
    _check_derived(place, annotation, rles, frames)


def _check_derived(place: Place, annotation: dict, rles: dict[int, dict | None], frames: int) -> None:
    """Compare areas and boxes, which are copies of what the masks say, with the masks; one problem for each list."""
    for key, measure in (('areas', area_differs), ('bboxes', box_differs)):
        values = annotation.get(key)
        if not isinstance(values, list):
            place.warning(key, f'is {_kind(values)}, expected a list with an entry for each frame')
            continue
        if len(values) != frames:
            place.warning(key, f'has {len(values)} entries, but the video has {frames} frames')
        wrong = [frame for frame, rle in rles.items() if frame < len(values) and measure(values[frame], rle)]
        if wrong:
            place.warning(
                f'{key}[{wrong[0]}]',
                f'is {values[wrong[0]]}, which is not that of the mask; so in {len(wrong)} of {frames} frames',
            )
