"""COCO images as clips: one image becomes T frames, which the transform ``ClipMotion`` then moves."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset

from mmrcf.errors import InputError
from mmrcf.registry import DATASETS
from mmrcf.utils import read_json

from .annotation_fields import read_categories, read_field, read_size
from .class_names import resolve_classes
from .clip_draw import ClipDraw, open_draw
from .coco_class_map import CLASS_MAPS
from .dataset_settings import build_pipeline, resolve_prefix
from .segmentation import SegmentationError, segmentation_to_rle


@DATASETS.register_module()
class COCOPseudoVideoDataset(BaseDataset):
    """Images with instance masks in COCO JSON, for training on clips of T = delta + S copies of one image.

    Images without an object of the classes are left out, and so are crowds.

    Args:
        ann_file: Annotation file, relative to ``data_root``.
        metainfo: ``classes``: class names, or the name of a list in ``class_names.CLASS_LISTS``.
        class_map: COCO name to class name, or the name of a map in ``coco_class_map.CLASS_MAPS``; COCO categories that
            are not in it are left out. None where the names are the same: all of the file's that are classes are taken.
        data_root: Folder of the data set.
        data_prefix: ``img``: folder of the images, relative to ``data_root``.
        pipeline: Transforms; without ``ClipMotion`` the frames of a clip are equal.
        num_references: delta, at least 0.
        num_targets: S, at least 1.
        max_objects: Leave out images with more objects (a model has N slots), or None.
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
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        if num_references < 0 or num_targets < 1 or test_mode:
            raise InputError(
                f'COCOPseudoVideoDataset: num_references={num_references} (at least 0), num_targets={num_targets} '
                f'(at least 1), test_mode={test_mode} (only False); correct the config'
            )
        classes = resolve_classes(metainfo.get('classes'))
        if classes is None:
            raise InputError('COCOPseudoVideoDataset: metainfo has no classes; give them or the name of a class list')
        self.class_map = resolve_class_map(class_map, classes)
        self.clip_length = num_references + num_targets
        self.max_objects = max_objects
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
        images = _read_images(content, where)
        names = read_categories(content, where)
        missing = sorted(set(self.class_map) - set(names.values()))
        if len(missing) == len(self.class_map):
            raise InputError(f'{where}: has none of the categories {missing}; check class_map and metainfo.classes')
        classes = self._metainfo['classes']
        labels = {key: classes.index(self.class_map[name]) for key, name in names.items() if name in self.class_map}
        for index, annotation in enumerate(read_field(content, 'annotations', list, where)):
            annotation_id = read_field(annotation, 'id', int, f'{where}: annotations[{index}]')
            here = f'{where}: annotation {annotation_id}'
            image_id = read_field(annotation, 'image_id', int, here)
            category_id = read_field(annotation, 'category_id', int, here)
            if image_id not in images:
                raise InputError(f"{here}: 'image_id' is {image_id}, but there is no such image; correct it")
            if category_id not in names:
                raise InputError(f"{here}: 'category_id' is {category_id}, but there is no such category; correct it")
            if category_id in labels and not annotation.get('iscrowd'):
                _add_object(images[image_id], labels[category_id], annotation, here)
        most = self.max_objects if self.max_objects is not None else float('inf')
        kept = [image for image in images.values() if 0 < len(image['instances']) <= most]
        if not kept:
            raise InputError(f'{where}: no image has an object of the classes; check class_map and max_objects')
        for image in kept:
            image['img_path'] = str(Path(self.data_prefix['img']) / image['img_path'])
        return kept

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
    if isinstance(class_map, str):
        if class_map not in CLASS_MAPS:
            raise InputError(f'class_map={class_map!r}: no such map; known are {", ".join(CLASS_MAPS)}')
        class_map = CLASS_MAPS[class_map]
    unknown = sorted(set(class_map.values()) - set(classes))
    if unknown or not class_map:
        raise InputError(f'class_map leads to {unknown}, which are not classes; correct it or metainfo.classes')
    return dict(class_map)


def _read_images(content: Any, where: str) -> dict[int, dict]:
    images: dict[int, dict] = {}
    for index, image in enumerate(read_field(content, 'images', list, where)):
        image_id = read_field(image, 'id', int, f'{where}: images[{index}]')
        here = f'{where}: image {image_id}'
        if image_id in images:
            raise InputError(f'{here}: the id is there twice; ids must be unique')
        name = read_field(image, 'file_name', str, here)
        images[image_id] = dict(img_path=name, video_id=image_id, ori_shape=read_size(image, here), instances=[])
    return images


def _add_object(image: dict, label: int, annotation: dict, where: str) -> None:
    try:
        rle = segmentation_to_rle(annotation.get('segmentation'), *image['ori_shape'])
    except SegmentationError as error:
        raise InputError(f'{where}: segmentation: {error}; correct the annotation') from error
    if rle is not None:
        instance_id = len(image['instances']) + 1
        image['instances'].append(dict(instance_id=instance_id, label=label, counts=rle['counts']))
