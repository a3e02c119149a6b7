"""The records that an annotation file becomes, whatever its layout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmrcf.errors import InputError

from .problems import Place, refuse
from .segmentation import SegmentationError, segmentation_to_rle

RLE = dict
"""``dict(size=[height, width], counts=bytes)`` with at least one pixel."""


@dataclass(frozen=True)
class FrameObject:
    """One object in one frame: its track ID (from 1, unique in its video), class index and compressed RLE."""

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
        """What messages call it."""
        return f'video {self.video_id} ({self.folder})'

    def decode(self, segmentations: Sequence[Any], place: Place) -> dict[int, RLE | None]:
        """The masks of an object by frame, None where it has no pixel; it is an error if they are not T.

        A frame whose mask cannot be decoded is an error, and left out if the report returns.
        """
        if len(segmentations) != self.length:
            place.error(
                'segmentations',
                f'has {len(segmentations)} entries, but {self.label} has {self.length} frames; give one for each '
                'frame, null where the object is absent',
            )
        rles: dict[int, RLE | None] = {}
        for frame, segmentation in enumerate(segmentations):
            try:
                rles[frame] = segmentation_to_rle(segmentation, self.height, self.width)
            except SegmentationError as error:
                place.error('segmentation' if self.is_image else f'segmentations[{frame}]', str(error))
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
        place = Place(refuse(self.source), f'annotation {annotation.annotation_id}')
        return tuple(self.videos[annotation.video_id].decode(annotation.segmentations, place).values())
