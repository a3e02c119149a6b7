"""COCO images as clips: one image becomes T frames, which the transform ``ClipMotion`` then moves."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from pycocotools import mask as mask_utils

from mmrcf.errors import InputError
from mmrcf.registry import DATASETS
from mmrcf.utils import read_json

from .annotations.fields import read_categories, read_field, read_size
from .annotations.ignored_regions import ignored_record, outside_record
from .annotations.segmentation import SegmentationError, segmentation_to_rle
from .annotations.view import Names, check_class_map, named_class_map, select_entries
from .class_names import resolve_classes
from .clip_draw import ClipDraw, open_draw
from .dataset_settings import build_pipeline, resolve_prefix


@DATASETS.register_module()
class COCOPseudoVideoDataset(BaseDataset):
    """Images with instance masks in COCO JSON, for training on clips of T = delta + S copies of one image.

    Images without an object of the classes are left out, and so are crowds, unless the options below say otherwise. An
    ignored region travels with the objects, with the label ``IGNORED_LABEL`` and the identity 0.

    Args:
        ann_file: Annotation file, relative to ``data_root``.
        metainfo: ``classes``: class names, or the name of a list in ``class_names.CLASS_LISTS``.
        class_map: COCO name to class name, or the name of a map in ``class_maps.CLASS_MAPS``; COCO categories that
            are not in it are left out. None where the names are the same: all of the file's that are classes are taken.
        data_root: Folder of the data set.
        data_prefix: ``img``: folder of the images, relative to ``data_root``.
        pipeline: Transforms; without ``ClipMotion`` the frames of a clip are equal.
        num_references: delta, at least 0.
        num_targets: S, at least 1.
        max_objects: Most objects of an image (a model has N slots), or None.
        surplus: What becomes of an image with more: ``'drop'``: it is left out; ``'ignore'``: its largest objects are
            kept, and the others are ignored regions.
        crowds: ``'drop'``: the pixels of a crowd are background; ``'ignore'``: they are an ignored region.
        partly_labelled: Name of a true-or-false field of the images; where it is true, only some objects are labelled,
            and all beside them is an ignored region. An image without the field is fully labelled. None: all are.
        drop_empty_images: Leave out images without any object; otherwise they are background throughout.
        only: Images to take, by id or file name: a list, or a text file with one a line. None: all.
        without: Images to leave out, in the same way.
        test_mode: Must be False; images are for training.
        lazy_init: Read the annotation file at the first use.

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
        surplus: Literal['drop', 'ignore'] = 'drop',
        crowds: Literal['drop', 'ignore'] = 'drop',
        partly_labelled: str | None = None,
        drop_empty_images: bool = True,
        only: Names = None,
        without: Names = None,
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        if num_references < 0 or num_targets < 1 or test_mode:
            raise InputError(
                f'COCOPseudoVideoDataset: num_references={num_references} (at least 0), num_targets={num_targets} '
                f'(at least 1), test_mode={test_mode} (only False); correct the config'
            )
        for name, value in dict(surplus=surplus, crowds=crowds).items():
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
        self.surplus = surplus
        self.crowds = crowds
        self.partly_labelled = partly_labelled
        self.drop_empty_images = drop_empty_images
        self.only = only
        self.without = without
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
        where = f'annotation file {self.ann_file}'
        content = read_json(self.ann_file, 'annotation file')
        images = _read_images(content, where, self.partly_labelled)
        names = read_categories(content, where)
        check_class_map(self.class_map, tuple(names.values()), where)
        classes = self._metainfo['classes']
        labels = {key: classes.index(self.class_map[name]) for key, name in names.items() if name in self.class_map}
        chosen = select_entries(_as_entries(images), self.only, self.without, where)
        ids = {entry['id'] for entry in chosen}
        for index, annotation in enumerate(read_field(content, 'annotations', list, where)):
            annotation_id = read_field(annotation, 'id', int, f'{where}: annotations[{index}]')
            here = f'{where}: annotation {annotation_id}'
            image_id = read_field(annotation, 'image_id', int, here)
            category_id = read_field(annotation, 'category_id', int, here)
            if image_id not in images:
                raise InputError(f"{here}: 'image_id' is {image_id}, but there is no such image; correct it")
            if category_id not in names:
                raise InputError(f"{here}: 'category_id' is {category_id}, but there is no such category; correct it")
            if image_id in ids and category_id in labels and (self.crowds == 'ignore' or not annotation.get('iscrowd')):
                _add_object(images[image_id], labels[category_id], annotation, here)
        kept = [image for entry in chosen if (image := self._finished(images[entry['id']])) is not None]
        if not kept:
            raise InputError(f'{where}: no image has an object of the classes; check class_map and max_objects')
        return kept

    def _finished(self, image: dict) -> dict | None:
        """The record of an image with its objects numbered and its ignored regions; None where it is left out."""
        crowds = [item for item in image['instances'] if item['crowd']]
        objects = [item for item in image['instances'] if not item['crowd']]
        if not objects and self.drop_empty_images:
            return None
        surplus: list[dict] = []
        if self.max_objects is not None and len(objects) > self.max_objects:
            if self.surplus == 'drop':
                return None
            # A stable sort: the order of the file decides between equals, and the kept ones stay in it.
            ranked = sorted(range(len(objects)), key=lambda index: -objects[index]['area'])
            surplus = [objects[index] for index in ranked[self.max_objects :]]
            objects = [objects[index] for index in sorted(ranked[: self.max_objects])]
        instances = [
            dict(instance_id=number, label=item['label'], counts=item['counts'])
            for number, item in enumerate(objects, start=1)
        ]
        regions = [ignored_record(item['counts']) for item in (*crowds, *surplus)]
        if image['partly_labelled']:
            regions = [outside_record(instances, *image['ori_shape'])]
        return dict(
            img_path=str(Path(self.data_prefix['img']) / image['img_path']),
            video_id=image['video_id'],
            ori_shape=image['ori_shape'],
            instances=instances + regions,
        )

    def get_data_info(self, item: int | ClipDraw) -> dict:
        """The records of a clip, for each key a list of T entries.

        Args:
            item: An index, or a :class:`ClipDraw`, which makes the clip's motion a function of its seed.
        """
        index, rng = open_draw(item)
        record = super().get_data_info(index)
        frames = {key: [value] * self.clip_length for key, value in record.items()}
        frames['frame_id'] = list(range(self.clip_length))
        frames['video_length'] = [self.clip_length] * self.clip_length
        return frames | dict(rng=rng)


def resolve_class_map(class_map: str | Mapping[str, str] | None, classes: tuple[str, ...]) -> dict[str, str]:
    """The class map a config asks for: file name of a category to class name.

    Raises:
        InputError: No such map, or it leads to a name that is not a class.
    """
    if class_map is None:
        return {name: name for name in classes}
    class_map = named_class_map(class_map)
    unknown = sorted(set(class_map.values()) - set(classes))
    if unknown or not class_map:
        raise InputError(f'class_map leads to {unknown}, which are not classes; correct it or metainfo.classes')
    return class_map


def _read_images(content: Any, where: str, partly_labelled: str | None) -> dict[int, dict]:
    images: dict[int, dict] = {}
    for index, image in enumerate(read_field(content, 'images', list, where)):
        image_id = read_field(image, 'id', int, f'{where}: images[{index}]')
        here = f'{where}: image {image_id}'
        if image_id in images:
            raise InputError(f'{here}: the id is there twice; ids must be unique')
        name = read_field(image, 'file_name', str, here)
        images[image_id] = dict(
            img_path=name,
            video_id=image_id,
            ori_shape=read_size(image, here),
            partly_labelled=partly_labelled is not None and _read_flag(image, partly_labelled, here),
            instances=[],
        )
    if partly_labelled is not None and not any(partly_labelled in image for image in content['images']):
        print_log(
            f'{where}: no image has the field {partly_labelled!r} of the option partly_labelled; all of them are taken '
            'as fully labelled',
            'current',
            logging.WARNING,
        )
    return images


def _read_flag(image: dict, name: str, where: str) -> bool:
    """A true-or-false field of an image; false where it is missing."""
    value = image.get(name, False)
    if value not in (True, False):
        raise InputError(f'{where}: {name!r} is {value!r}, expected true or false; correct it')
    return bool(value)


def _as_entries(images: Mapping[int, dict]) -> list[dict]:
    return [dict(id=image_id, file_name=image['img_path']) for image_id, image in images.items()]


def _add_object(image: dict, label: int, annotation: dict, where: str) -> None:
    try:
        rle = segmentation_to_rle(annotation.get('segmentation'), *image['ori_shape'])
    except SegmentationError as error:
        raise InputError(f'{where}: segmentation: {error}; correct the annotation') from error
    if rle is not None:
        image['instances'].append(
            dict(
                label=label,
                counts=rle['counts'],
                area=int(mask_utils.area(rle)),
                crowd=bool(annotation.get('iscrowd')),
            )
        )
