"""CocoVID, the layout of MMTracking: images that belong to videos, and an annotation for each object of an image."""

from collections import defaultdict
from typing import Any

from .problems import Location, Report, describe

# Of one object in one frame, and what the list over its frames is called in the YouTube-VIS layout.
_PER_FRAME = {'segmentation': 'segmentations', 'bbox': 'bboxes', 'area': 'areas'}


def is_cocovid(content: dict) -> bool:
    """Whether a file has images and videos, and the images give the frames of the videos."""
    videos = content.get('videos')
    if 'images' not in content or not isinstance(videos, list):
        return False
    return not any(isinstance(video, dict) and 'file_names' in video for video in videos)


def frames_as_videos(content: dict, report: Report) -> dict:
    """The content in the YouTube-VIS layout: frames in the order of ``frame_id``, objects joined by ``instance_id``.

    The first annotation of an object gives its id. Only the fields of images and those that join annotations are
    checked here, the others when the result is read.

    Args:
        content: Parsed JSON in the CocoVID layout.
        report: What is done with a problem.
    """
    frames: dict[int | None, dict[int, dict]] = defaultdict(dict)
    images: dict[int, dict] = {}
    for location, image in _entries(content, 'images', 'image', report):
        image_id, video_id, frame_id = (location.read(image, key, int) for key in ('id', 'video_id', 'frame_id'))
        location.read(image, 'file_name', str)
        if None in (image_id, video_id, frame_id):
            continue
        if image_id in images:
            location.error('id', f'{image_id} is a duplicate; ids must be unique')
        if frame_id in frames[video_id]:
            location.error('frame_id', f'{frame_id} is a duplicate in video {video_id}; frame ids must be unique')
        images[image_id] = frames[video_id][frame_id] = image
    videos: list[Any] = []
    positions: dict[int, tuple[int, int]] = {}  # frame and number of frames by image
    for video in content['videos']:
        video_id = video.get('id') if isinstance(video, dict) else None
        own = frames.pop(video_id, {}) if isinstance(video_id, int) else {}
        ordered = [own[frame_id] for frame_id in sorted(own)]
        positions |= {image['id']: (frame, len(ordered)) for frame, image in enumerate(ordered)}
        if ordered:  # a video without a size has that of its frames
            size = {key: ordered[0][key] for key in ('height', 'width') if key in ordered[0]}
            names = [image.get('file_name') for image in ordered]
            video = size | video | dict(file_names=names, length=len(names))
        videos.append(video)
    if all(isinstance(video, dict) and type(video.get('id')) is int for video in videos):  # else that is the error
        for video_id, own in frames.items():
            for image in own.values():
                location = Location(report, f'image {image["id"]}')
                location.error('video_id', f'is {video_id}, but there is no such video')
    content = content | dict(videos=videos)
    if content.get('annotations') is not None:
        content['annotations'] = _join_annotations(content, images, positions, report)
    return content


def _join_annotations(
    content: dict, images: dict[int, dict], positions: dict[int, tuple[int, int]], report: Report
) -> list[dict]:
    """One annotation for each instance of a video, from one for each of its images.

    Args:
        content: The file.
        images: Images by id.
        positions: By image id, the index of its frame in the video, and the number of frames of the video.
        report: Takes what is wrong.
    """
    tracks: dict[tuple[int, int], dict] = {}
    seen: set[tuple[int, int]] = set()
    for location, item in _entries(content, 'annotations', 'annotation', report):
        image_id, instance_id = (location.read(item, key, int) for key in ('image_id', 'instance_id'))
        if image_id is not None and image_id not in images:
            location.error('image_id', f'is {image_id}, but there is no such image')
        if image_id not in positions or instance_id is None:
            continue
        if (image_id, instance_id) in seen:
            location.error('instance_id', f'{instance_id} is a duplicate in image {image_id}; give one annotation')
        seen.add((image_id, instance_id))
        video_id, (frame, length) = images[image_id]['video_id'], positions[image_id]
        if (video_id, instance_id) not in tracks:
            own = {key: value for key, value in item.items() if key not in ('image_id', *_PER_FRAME)}
            lists = {key: [None] * length for key in _PER_FRAME.values()}
            tracks[video_id, instance_id] = own | dict(video_id=video_id) | lists
        track = tracks[video_id, instance_id]
        for key, default in (('category_id', None), ('iscrowd', 0)):
            value, first = (default if entry.get(key) is None else entry[key] for entry in (item, track))
            if value != first and type(first) in (int, bool):
                location.error(key, f'is {describe(value)}, but {first} in another frame of the instance')
        for key, name in _PER_FRAME.items():
            track[name][frame] = item.get(key)
    return list(tracks.values())


def _entries(content: dict, part: str, unit: str, report: Report) -> list[tuple[Location, dict[str, Any]]]:
    found = []
    for index, entry in enumerate(Location(report).read(content, part, list) or ()):
        location = Location(report, f'{part}[{index}]')
        if location.is_object(entry):
            if type(entry.get('id')) is int:
                location.name = f'{unit} {entry["id"]}'
            found.append((location, entry))
    return found
