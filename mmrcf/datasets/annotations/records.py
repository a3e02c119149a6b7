"""The records of an annotation file, whatever its layout, and a file of records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pycocotools import mask as mask_utils

from mmrcf.errors import InputError
from mmrcf.utils import counted

from .problems import Location, refuse
from .segmentation import SegmentationError, segmentation_to_rle

RLE = dict
"""``dict(size=[height, width], counts=bytes)`` with at least one pixel."""


@dataclass(frozen=True)
class FrameObject:
    """One object in one frame: its track ID (from 1, unique in its video), class index and compressed RLE.

    Or an ignored region: track ID 0, ``IGNORED_LABEL``.
    """

    instance_id: int
    label: int
    counts: bytes


@dataclass(frozen=True)
class VideoRecord:
    """A video of T frames, or an image as a video of one frame.

    Attributes:
        video_id: As in the file.
        height: In pixels.
        width: In pixels.
        file_names: T paths.
        objects: The objects of each frame with the labels of a data set; empty where none has given them labels.
        entry: All fields that the file has for it.
        is_image: True for an image of a COCO file.
    """

    video_id: int
    height: int
    width: int
    file_names: tuple[str, ...]
    objects: tuple[list[FrameObject], ...] = ()
    entry: Mapping[str, Any] = field(default_factory=dict, repr=False)
    is_image: bool = False

    @property
    def length(self) -> int:
        """T, the number of frames."""
        return len(self.file_names)

    @property
    def folder(self) -> str:
        """Folder of the first frame."""
        return self.file_names[0].rpartition('/')[0]

    @property
    def label(self) -> str:
        """Its name in messages."""
        return f'video {self.video_id} ({self.folder})'

    def decode(self, segmentations: Sequence[Any], location: Location) -> dict[int, RLE | None]:
        """The masks of an object by frame, None where it has no pixel; it is an error if they are not T.

        A frame whose mask cannot be decoded is an error, and left out if the report returns.
        """
        if len(segmentations) != self.length:
            location.error(
                'segmentations',
                f'has {counted(len(segmentations), "entry")}, but {self.label} has {counted(self.length, "frame")}; '
                'give one for each frame, null where the object is absent',
            )
        rles: dict[int, RLE | None] = {}
        for frame, segmentation in enumerate(segmentations):
            try:
                rles[frame] = segmentation_to_rle(segmentation, self.height, self.width)
            except SegmentationError as error:
                location.error('segmentation' if self.is_image else f'segmentations[{frame}]', str(error))
        return rles


@dataclass(frozen=True, slots=True, eq=False)
class AnnotationRecord:
    """One object of a video or an image.

    Attributes:
        annotation_id: As in the file.
        video_id: The video or the image.
        category_id: As in the file, or that of the view.
        crowd: True for a region to ignore.
        segmentations: One for each frame, as in the file; :meth:`AnnotationFile.rles` decodes them.
        entry: All fields that the file has for it.
    """

    annotation_id: int
    video_id: int
    category_id: int
    crowd: bool
    segmentations: Sequence[Any]
    entry: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, eq=False)
class AnnotationFile:
    """An annotation file with all its fields checked but the masks, which are checked when they are decoded.

    Attributes:
        source: The file, for messages.
        videos: By id, in the order of the file.
        categories: Names by id, in the order of the file.
        annotations: In the order of the file; None where it has none (the server's test sets) or they were not asked
            for.
        has_images: True where the videos are the images of a COCO file.
    """

    source: str
    videos: Mapping[int, VideoRecord]
    categories: Mapping[int, str]
    annotations: Sequence[AnnotationRecord] | None
    has_images: bool = False

    def require_annotations(self) -> Sequence[AnnotationRecord]:
        """The annotations. Raises :class:`InputError` where the file has none."""
        if self.annotations is None:
            raise InputError(f'{self.source}: annotations: is missing or null, expected a list; give a file with them')
        return self.annotations

    def rles(self, annotation: AnnotationRecord) -> tuple[RLE | None, ...]:
        """The masks of an annotation, one for each frame, None where it has no pixel.

        Raises:
            InputError: There are more or fewer than frames, or one cannot be decoded.
        """
        location = Location(refuse(self.source), f'annotation {annotation.annotation_id}')
        return tuple(self.videos[annotation.video_id].decode(annotation.segmentations, location).values())


def file_content(file: AnnotationFile) -> dict:
    """Content in the COCO layout where the file has images, else in the official YouTube-VIS layout.

    Fields that the records have beside those of the layout are written too. In the YouTube-VIS layout,
    ``segmentations``, ``bboxes`` and ``areas`` have an entry for each frame, None where the object is absent.

    Raises:
        InputError: The masks of an annotation do not fit its video.
    """
    content: dict = {
        'images' if file.has_images else 'videos': [_video_entry(video) for video in file.videos.values()],
        'categories': [dict(id=category_id, name=name) for category_id, name in file.categories.items()],
    }
    if file.annotations is not None:
        content['annotations'] = [_annotation_entry(item, file) for item in file.annotations]
    return content


def _video_entry(video: VideoRecord) -> dict:
    own = dict(id=video.video_id, height=video.height, width=video.width)
    if video.is_image:
        return dict(video.entry) | own | dict(file_name=video.file_names[0])
    return dict(video.entry) | own | dict(length=video.length, file_names=list(video.file_names))


def _annotation_entry(item: AnnotationRecord, file: AnnotationFile) -> dict:
    video = file.videos[item.video_id]
    shared = dict(id=item.annotation_id, category_id=item.category_id, iscrowd=int(item.crowd))
    rles = file.rles(item)
    masks = [None if rle is None else _json_rle(rle) for rle in rles]
    boxes = [None if rle is None else [int(value) for value in mask_utils.toBbox(rle)] for rle in rles]
    areas = [None if rle is None else int(mask_utils.area(rle)) for rle in rles]
    if file.has_images:
        own = dict(image_id=item.video_id, segmentation=masks[0], bbox=boxes[0], area=areas[0])
    else:
        size = dict(height=video.height, width=video.width, length=video.length)
        own = dict(video_id=item.video_id, segmentations=masks, bboxes=boxes, areas=areas) | size
    return dict(item.entry) | shared | own


def _json_rle(rle: RLE) -> dict:
    return dict(size=[int(side) for side in rle['size']], counts=rle['counts'].decode('ascii'))
