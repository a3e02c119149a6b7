"""The one reader of annotation files: YouTube-VIS, COCO and CocoVID JSON become records with every field checked.

Nothing derived is trusted: areas, boxes, and the length and size of an annotation are not read.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmrcf.defaults import MAX_SIDE
from mmrcf.errors import InputError
from mmrcf.utils import read_json

from .cocovid import frames_as_videos, is_cocovid
from .problems import Location, Report, describe, refuse
from .records import AnnotationFile, AnnotationRecord, VideoRecord
from .view import AnnotationView

EVERYTHING = AnnotationView()


def read_annotations(path: str | Path, view: AnnotationView = EVERYTHING, **options: bool) -> AnnotationFile:
    """Read an annotation file; see :func:`parse_annotations` for the options.

    Raises:
        InputError: The file, or something in it, cannot be used; the message names the entry and the field.
    """
    return parse_annotations(read_json(path, 'annotation file'), f'annotation file {path}', view, **options)


def parse_annotations(
    content: Any,
    source: str = 'annotations',
    view: AnnotationView = EVERYTHING,
    with_annotations: bool = True,
    as_images: bool = False,
    need_videos: bool = False,
) -> AnnotationFile:
    """The records of an annotation file; the content is not changed.

    Args:
        content: Parsed JSON in one of the three layouts.
        source: The file, for messages.
        view: Which videos or images to take, and under which class names.
        with_annotations: False to leave annotations unread (for testing, where a file may have none).
        as_images: Read the images of the file, each as a video of one frame, also where they belong to videos.
        need_videos: Refuse a file without any video; a metric takes one.

    Raises:
        InputError: Something in it cannot be used; the message names the entry and the field.
    """
    reader = AnnotationReader(content, source, refuse(source), with_annotations, as_images, view.max_side)
    reader.read_categories()
    for _ in reader.read_videos():
        pass
    if need_videos and not reader.videos:
        Location(reader.report).error('videos', 'is an empty list, expected at least one video')
    annotations = [item for _, item in reader.read_annotations()] if reader.has_annotations else None
    file = AnnotationFile(source, reader.videos, reader.categories, annotations, reader.has_images)
    return view.apply(file)


class AnnotationReader:
    """Goes through the content of a file, first the categories, then videos, then annotations.

    A validator continues after an error. The records that it then gets are as complete as can be: a wrong id is None, a
    wrong size 0, a wrong list of files empty.

    Args:
        content: Parsed JSON.
        source: The file, for messages.
        report: What is done with a problem.
        with_annotations: As in :func:`parse_annotations`.
        as_images: As there.
        max_side: As in :class:`AnnotationView`.

    Raises:
        InputError: The content is no JSON object.
    """

    def __init__(
        self,
        content: Any,
        source: str,
        report: Report,
        with_annotations: bool = True,
        as_images: bool = False,
        max_side: int = MAX_SIDE,
    ) -> None:
        if not isinstance(content, dict):
            raise InputError(
                f'{source}: is {describe(content)}, expected a JSON object in the layout of YouTube-VIS, COCO or '
                'CocoVID; give another file'
            )
        self.report = report
        self.with_annotations = with_annotations
        self.max_side = max_side
        if not with_annotations:
            content = content | dict(annotations=None)
        self.has_images = as_images or ('images' in content and 'videos' not in content)
        self.content = content if self.has_images or not is_cocovid(content) else frames_as_videos(content, report)
        self.categories: dict[int, str] = {}
        self.videos: dict[int, VideoRecord] = {}

    @property
    def has_annotations(self) -> bool:
        """False where the file has none, or they were not asked for."""
        return self.content.get('annotations') is not None

    def read_categories(self) -> None:
        """Fill ``categories``. Only a file whose annotations are not read may be without."""
        if not self.with_annotations and self.content.get('categories') is None:
            return
        for location, category in self._entries('categories'):
            category_id = self._read_id(location, category, 'category', self.categories)
            name = location.read(category, 'name', str)
            if name in self.categories.values():
                location.error('name', f'{name!r} is a duplicate; names must be unique')
            if category_id is not None and name is not None:
                self.categories[category_id] = name

    def read_videos(self) -> Iterator[tuple[Location, VideoRecord]]:
        """Fill ``videos`` with the videos or images, which are returned one by one."""
        unit = 'image' if self.has_images else 'video'
        for location, video in self._entries(f'{unit}s'):
            location.video_id = video_id = self._read_id(location, video, unit, self.videos)
            size = [self._read_side(location, video, key) for key in ('height', 'width')]
            names = self._read_names(location, video)
            record = VideoRecord(video_id, *size, names, entry=video, is_image=self.has_images)
            if video_id is not None:
                self.videos[video_id] = record
            yield location, record

    def read_annotations(self) -> Iterator[tuple[Location, AnnotationRecord]]:
        """The annotations one by one."""
        video_key = 'image_id' if self.has_images else 'video_id'
        seen: dict[int, None] = {}
        for location, item in self._entries('annotations'):
            location.annotation_id = annotation_id = self._read_id(location, item, 'annotation', seen)
            seen[annotation_id] = None
            location.video_id = video_id = self._read_known(location, item, video_key, self.videos)
            category_id = self._read_known(location, item, 'category_id', self.categories)
            crowd = location.read(item, 'iscrowd', int, bool, default=None)
            if crowd not in (None, 0, 1):
                location.error('iscrowd', f'is {crowd}, expected 0 or 1')
            segmentations = (
                (item.get('segmentation'),) if self.has_images else location.read(item, 'segmentations', list)
            )
            yield location, AnnotationRecord(annotation_id, video_id, category_id, bool(crowd), segmentations, item)

    def _entries(self, part: str) -> Iterator[tuple[Location, dict]]:
        for index, entry in enumerate(Location(self.report).read(self.content, part, list) or ()):
            location = Location(self.report, f'{part}[{index}]')
            if type(entry) is dict or location.is_object(entry):
                yield location, entry

    def _read_id(self, location: Location, entry: dict, unit: str, known: Mapping[int, Any]) -> int | None:
        value = location.read(entry, 'id', int)
        if value is not None:
            location.name = f'{unit} {value}'
            if value in known:
                location.error('id', f'{value} is a duplicate; ids must be unique')
        return value

    def _read_known(self, location: Location, entry: dict, key: str, known: Mapping[int, Any]) -> int | None:
        value = location.read(entry, key, int)
        if value is None or value in known:
            return value
        location.error(key, f'is {value}, but there is no such {key.removesuffix("_id")}')
        return None

    def _read_side(self, location: Location, entry: dict, key: str) -> int:
        value = location.read(entry, key, int)
        if value is not None and value < 1:
            location.error(key, f'is {value}, expected a positive number of pixels')
        if value is not None and value > self.max_side:
            location.error(key, f'is {value}, expected at most {self.max_side} pixels; raise max_side if it is right')
            return 0
        return max(value or 0, 0)

    def _read_names(self, location: Location, entry: dict) -> tuple[str, ...]:
        """Paths of the frames, with '/' also where Windows wrote '\\\\'; none after an error."""
        key = 'file_name' if self.has_images else 'file_names'
        names = [location.read(entry, key, str)] if self.has_images else location.read(entry, key, list)
        if names is None or (self.has_images and names == [None]):  # an error of its own
            return ()
        if not names:
            location.error(key, 'is an empty list, expected the path of every frame')
        for index, name in enumerate(names):
            if type(name) is not str or not name:
                location.error(key if self.has_images else f'{key}[{index}]', f'is {describe(name)}, expected a path')
                return ()
        if not self.has_images and entry.get('length', len(names)) != len(names):
            location.error('length', f'is {describe(entry["length"])}, but it has {len(names)} file_names; correct one')
        return tuple(name.replace('\\', '/') for name in names)
