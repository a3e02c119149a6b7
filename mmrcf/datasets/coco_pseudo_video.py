"""COCO images as clips: one image becomes T frames, which the transform ``ClipMotion`` then moves."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from pycocotools import mask as mask_utils

from mmrcf.defaults import MAX_SIDE
from mmrcf.errors import InputError
from mmrcf.registry import DATASETS
from mmrcf.structures import IGNORED_LABEL

from .annotations.class_maps import resolve_class_map
from .annotations.reader import read_annotations
from .annotations.records import VideoRecord
from .annotations.segmentation import ignored_record, outside_record
from .annotations.view import AnnotationView, Names
from .classes import resolve_classes
from .clips import ClipRequest, build_pipeline, index_and_rng, note_files, resolve_prefix


@DATASETS.register_module()
class COCOPseudoVideoDataset(BaseDataset):
    """Images with instance masks in COCO JSON, for training on clips of T = delta + S copies of one image.

    Images without an object of the classes are left out, and so are crowds, unless the options below change that. An
    ignored region travels with the objects, with the label ``IGNORED_LABEL`` and the track ID 0.

    Args:
        ann_file: Annotation file, relative to ``data_root``.
        metainfo: ``classes``: class names, or the name of a list in ``classes.CLASS_LISTS``.
        class_map: COCO name to class name, or the name of a map in ``class_maps.CLASS_MAPS``; COCO categories that
            are not in it are left out. None where the names are the same: all of the file's that are classes are taken.
        data_root: Folder of the data set.
        data_prefix: ``img``: folder of the images, relative to ``data_root``.
        pipeline: Transforms; without ``ClipMotion`` the frames of a clip are equal.
        num_references: delta, at least 0.
        num_targets: S, at least 1.
        max_objects: Most objects of an image (a model has N slots), or None.
        overflow: What becomes of an image with more: ``'drop'``: it is left out; ``'ignore'``: its largest objects are
            kept, and the others are ignored regions.
        crowds: ``'drop'``: the pixels of a crowd are background; ``'ignore'``: they are an ignored region.
        partly_labelled: Name of a true-or-false field of the images; where it is true, only some objects are labelled,
            and all beside them is an ignored region. An image without the field is fully labelled. None: all are.
        drop_empty_images: Leave out images without any object; otherwise they are background throughout.
        only: Images to take, by id or file name: a list, or a text file with one a line. None: all.
        exclude: Images to leave out, in the same way.
        max_side: Largest width and height in pixels; larger ones are an error.
        test_mode: Must be False; images are for training.
        lazy_init: Read the annotation file at the first use.

    Attributes:
        object_counts: Number of labelled objects of each image, ignored regions not among them.

    Raises:
        InputError: Annotations or images cannot be used; the message names the file and the field.
    """

    def __init__(
        self,
        ann_file: str,
        metainfo: dict,
        class_map: str | Mapping[str, str] | None = None,
        data_root: str = '',
        data_prefix: dict | None = None,
        pipeline: Sequence[dict | Callable] | None = None,
        num_references: int = 1,
        num_targets: int = 1,
        max_objects: int | None = None,
        overflow: Literal['drop', 'ignore'] = 'drop',
        crowds: Literal['drop', 'ignore'] = 'drop',
        partly_labelled: str | None = None,
        drop_empty_images: bool = True,
        only: Names = None,
        exclude: Names = None,
        max_side: int = MAX_SIDE,
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        if num_references < 0 or num_targets < 1 or test_mode:
            raise InputError(
                f'COCOPseudoVideoDataset: num_references={num_references} (at least 0), num_targets={num_targets} '
                f'(at least 1), test_mode={test_mode} (only False); correct the config'
            )
        for name, value in dict(overflow=overflow, crowds=crowds).items():
            if value not in ('drop', 'ignore'):
                raise InputError(f"COCOPseudoVideoDataset: {name}={value!r}, expected 'drop' or 'ignore'")
        if partly_labelled is not None and not isinstance(partly_labelled, str):
            raise InputError(
                f'COCOPseudoVideoDataset: partly_labelled={partly_labelled!r}, expected the name of a true-or-false '
                'field of the images, or None'
            )
        if max_objects is not None and max_objects < 1:
            raise InputError(f'COCOPseudoVideoDataset: max_objects={max_objects}, expected at least 1, or None')
        classes = resolve_classes(metainfo.get('classes'))
        if classes is None:
            raise InputError('COCOPseudoVideoDataset: metainfo has no classes; give them or the name of a class list')
        self.class_map = resolve_class_map(class_map, classes)
        self.num_references = num_references
        self.clip_length = num_references + num_targets
        self.max_objects = max_objects
        self.overflow = overflow
        self.crowds = crowds
        self.partly_labelled = partly_labelled
        self.drop_empty_images = drop_empty_images
        self.view = AnnotationView(self.class_map, only, exclude, max_side)
        super().__init__(
            ann_file=str(ann_file),
            metainfo=dict(metainfo) | dict(classes=classes),
            data_root=str(data_root),
            data_prefix=resolve_prefix(data_prefix),
            lazy_init=lazy_init,
        )
        self.pipeline = build_pipeline(pipeline)

    def load_data_list(self) -> list[dict]:
        """Read the annotation file; one entry an image."""
        file = read_annotations(self.ann_file, self.view, as_images=True)
        classes = self._metainfo['classes']
        labels = {key: classes.index(name) for key, name in file.categories.items()}
        objects: dict[int, list[dict]] = {image_id: [] for image_id in file.videos}
        for item in file.require_annotations():
            if item.crowd and self.crowds == 'drop':
                continue
            (rle,) = file.rles(item)
            if rle is not None:
                area = int(mask_utils.area(rle))
                objects[item.video_id].append(
                    dict(label=labels[item.category_id], counts=rle['counts'], area=area, crowd=item.crowd)
                )
        name = self.partly_labelled
        if name is not None and not any(name in image.entry for image in file.videos.values()):
            print_log(
                f'{file.source}: no image has the field {name!r} of the option partly_labelled; all of them are taken '
                'as fully labelled',
                'current',
                logging.WARNING,
            )
        records = [
            self._record(image, objects[image.video_id], _read_flag(image, name, file.source))
            for image in file.videos.values()
        ]
        kept = [record for record in records if record is not None]
        if not kept:
            raise InputError(f'{file.source}: no image has an object of the classes; check class_map and max_objects')
        self.object_counts = np.array(
            [sum(item['label'] != IGNORED_LABEL for item in record['instances']) for record in kept]
        )
        note_files(kept, self.data_prefix)
        return kept

    def _record(self, image: VideoRecord, found: Sequence[dict], is_partly_labelled: bool) -> dict | None:
        """The record of an image with its objects numbered and its ignored regions; None where it is left out."""
        crowds = [item for item in found if item['crowd']]
        objects = [item for item in found if not item['crowd']]
        if not objects and self.drop_empty_images:
            return None
        overflow: list[dict] = []
        if self.max_objects is not None and len(objects) > self.max_objects:
            if self.overflow == 'drop':
                return None
            # A stable sort: the order of the file decides between equals, and the kept ones stay in it.
            ranked = sorted(range(len(objects)), key=lambda index: -objects[index]['area'])
            overflow = [objects[index] for index in ranked[self.max_objects :]]
            objects = [objects[index] for index in sorted(ranked[: self.max_objects])]
        instances = [
            dict(instance_id=number, label=item['label'], counts=item['counts'])
            for number, item in enumerate(objects, start=1)
        ]
        regions = [ignored_record(item['counts']) for item in (*crowds, *overflow)]
        if is_partly_labelled:
            regions = [outside_record(instances, image.height, image.width)]
        return dict(
            img_path=str(Path(self.data_prefix['img']) / image.file_names[0]),
            video_id=image.video_id,
            ori_shape=(image.height, image.width),
            instances=instances + regions,
        )

    def get_data_info(self, item: int | ClipRequest) -> dict:
        """The records of a clip, for each key a list of T entries.

        Args:
            item: An index, or a :class:`ClipRequest`, which makes the clip's motion a function of its seed.
        """
        index, rng = index_and_rng(item)
        record = super().get_data_info(index)
        frames = {key: [value] * self.clip_length for key, value in record.items()}
        frames['frame_id'] = list(range(self.clip_length))
        frames['video_length'] = [self.clip_length] * self.clip_length
        return frames | dict(rng=rng)


def _read_flag(video: VideoRecord, name: str | None, source: str) -> bool:
    """A true-or-false field of an image; false where it is missing."""
    value = video.entry.get(name, False)
    if value not in (True, False):
        raise InputError(f'{source}: image {video.video_id}: {name!r} is {value!r}, expected true or false; correct it')
    return bool(value)
