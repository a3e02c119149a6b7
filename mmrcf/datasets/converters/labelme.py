"""JSON files of LabelMe, one beside each image."""

import base64
import glob
import io
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmrcf.datasets.annotations.problems import Location, refuse
from mmrcf.errors import InputError
from mmrcf.utils import counted, read_json, require_folder

from .images import IMAGE_SUFFIXES, common_size, each, image_size, is_hidden, list_folders, list_images, natural_order
from .shapes import box_points, ellipse_points, pasted_rle, polygon_rle
from .writer import RLE, Converted, LabelledVideo, ObjectTrack, union

RECTANGLES = ('rectangle', 'rotation')  # the turned ones of X-AnyLabeling
BOXES = 'is a rectangle, expected a mask; draw polygons, or take rectangles as masks with --boxes'


def convert_labelme(
    root: str | Path, boxes: bool = False, image_root: str | Path | None = None, progress: bool = False
) -> Converted:
    """Convert still images, each as a video of one frame.

    Every JSON file below ``root`` is read, but hidden ones are not. Its image is the one of its ``imagePath``, or the
    one of its own name beside it. Shapes of one label and one ``group_id`` are one object, and a shape without
    ``group_id`` is an object. Images without a JSON file are left out; one whose file has no shapes is background.

    Args:
        root: Folder of JSON files, which may have subfolders.
        boxes: Take rectangles as masks.
        image_root: Folder that file names are relative to; None for ``root``.
        progress: Show a progress bar.

    Raises:
        InputError: A file is missing or malformed, a size differs, or a shape cannot be a mask.
    """
    root = require_folder(root, 'folder')
    found = (path for path in root.rglob('*.json') if not is_hidden(path.relative_to(root)))
    files = sorted(found, key=lambda path: natural_order(str(path)))
    if not files:
        raise InputError(f'folder {root}: no JSON file in it; give the folder of LabelMe files')
    image_root = require_folder(root if image_root is None else image_root, 'image folder')
    videos, sources = [], {}
    for path in each(files, 'image', progress):
        content = _read_file(path)
        image = _image_of(path, content)
        name = Path(os.path.relpath(image, image_root)).as_posix()  # links stay what they are named
        if name.startswith('../'):
            raise InputError(f'LabelMe file {path}: image {image} is not in {image_root}; set --image-root')
        if name in sources:
            raise InputError(f'LabelMe file {path}: image {image} belongs to {sources[name]} too; remove one of them')
        sources[name] = path
        video = LabelledVideo(path.stem, *image_size(image), [name])
        objects: dict[Any, ObjectTrack] = {}
        for index, label, group, rle in _shapes(path, content, (video.height, video.width), boxes):
            key = ('shape', index) if group is None else ('group', label, group)
            _add(objects.setdefault(key, ObjectTrack(label)), 0, rle)
        video.tracks += objects.values()
        videos.append(video)
    return Converted(videos, _class_names(videos), str(image_root))


def convert_labelme_videos(root: str | Path, boxes: bool = False, progress: bool = False) -> Converted:
    """Convert videos: a subfolder of ``root`` for each, of frames and of a JSON file for each frame with objects.

    An object is what has one ``group_id`` in all frames of a video. A frame without a JSON file has no object.

    Raises:
        InputError: As in :func:`convert_labelme`; also for a shape without ``group_id``, or an object of two labels.
    """
    names = list_folders(Path(root), 'folder of videos')
    videos = []
    for name in each(names, 'video', progress):
        folder = Path(root) / name
        images = list_images(folder, 'video folder')
        files = {path.stem: path for path in folder.glob('[!.]*.json')}
        for stem, path in files.items():
            if stem not in images:
                raise InputError(f'LabelMe file {path}: no image of that name beside it; add the frame')
        height, width = common_size(images.values())
        video = LabelledVideo(name, height, width, [f'{name}/{path.name}' for path in images.values()])
        objects: dict[Any, ObjectTrack] = {}
        for frame, stem in enumerate(images):
            if stem not in files:
                continue
            for index, label, group, rle in _shapes(files[stem], _read_file(files[stem]), (height, width), boxes):
                where = f'LabelMe file {files[stem]}: shapes[{index}]'
                if group is None:
                    raise InputError(f'{where}: has no group_id; give each object of a video a number for all frames')
                track = objects.setdefault(group, ObjectTrack(label))
                if track.category != label:
                    raise InputError(
                        f'{where}: group_id {group} is {label!r}, but {track.category!r} before; give them two numbers'
                    )
                _add(track, frame, rle)
        video.tracks += objects.values()
        videos.append(video)
    return Converted(videos, _class_names(videos), str(root))


def _add(track: ObjectTrack, frame: int, rle: RLE | None) -> None:
    if rle is not None:
        track.rles[frame] = union(track.rles.get(frame), rle)


def _class_names(videos: list[LabelledVideo]) -> tuple[str, ...]:
    return tuple(sorted({track.category for video in videos for track in video.tracks}))


def _read_file(path: Path) -> Mapping[str, Any]:
    content = read_json(path, 'LabelMe file')
    Location(refuse(f'LabelMe file {path}')).read(content, 'shapes', list)
    return content


def _image_of(path: Path, content: Mapping[str, Any]) -> Path:
    """Image of a file: that of ``imagePath``, or that of the same name."""
    named = content.get('imagePath')
    if isinstance(named, str) and named and (image := path.parent / named.replace('\\', '/')).is_file():
        return image
    for image in sorted(path.parent.glob(f'{glob.escape(path.stem)}.*')):
        if image.suffix.lower() in IMAGE_SUFFIXES:
            return image
    raise InputError(f'LabelMe file {path}: its image {named!r} is missing; put it beside the file')


def _shapes(
    path: Path, content: Mapping[str, Any], size: tuple[int, int], boxes: bool
) -> Iterator[tuple[int, str, Any, RLE | None]]:
    """Index, label, ``group_id`` and RLE of each shape of a file."""
    where = f'LabelMe file {path}'
    stated = tuple(content.get(key) for key in ('imageHeight', 'imageWidth'))
    if None not in stated and stated != size:
        raise InputError(
            f'{where}: is for {stated[1]} x {stated[0]} pixels, but the image is {size[1]} x {size[0]}; give the image '
            'that was labelled'
        )
    for index, shape in enumerate(content['shapes']):
        here = f'{where}: shapes[{index}]'
        label = Location(refuse(here)).read(shape, 'label', str).strip()
        if not label:
            raise InputError(f'{here}: label is empty, expected a class; correct it')
        group = shape.get('group_id')
        if group is not None and (isinstance(group, bool) or not isinstance(group, int)):
            raise InputError(f'{here}: group_id is {group!r}, expected a whole number or null; correct it')
        yield index, label, group, _shape_rle(shape, size, boxes, here)


def _points(shape: Mapping[str, Any], numbers: tuple[int, ...] | None, where: str) -> list[tuple[float, float]]:
    points = Location(refuse(where)).read(shape, 'points', list)
    for point in points:
        if (
            not isinstance(point, list)
            or len(point) != 2
            or not all(isinstance(value, (int, float)) and math.isfinite(value) for value in point)
        ):
            raise InputError(f'{where}: points hold {point!r}, expected [x, y]; correct it')
    if numbers is not None and len(points) not in numbers:
        expected = ' or '.join(str(number) for number in numbers)
        raise InputError(f'{where}: has {counted(len(points), "point")}, expected {expected}; draw it again')
    return [(point[0], point[1]) for point in points]


def _shape_rle(shape: Mapping[str, Any], size: tuple[int, int], boxes: bool, where: str) -> RLE | None:
    kind = shape.get('shape_type') or 'polygon'
    if kind == 'polygon':
        points = _points(shape, None, where)
    elif kind == 'mask':
        return _mask_rle(shape, size, where)
    elif kind == 'circle':
        (x, y), edge = _points(shape, (2,), where)
        radius = math.dist((x, y), edge)
        points = ellipse_points(x, y, radius, radius)
    elif kind in RECTANGLES and boxes:
        points = _points(shape, (2, 4), where)
        if len(points) == 2:
            points = box_points(*points[0], *points[1])
    else:
        raise InputError(f'{where}: {BOXES if kind in RECTANGLES else f"a {kind} has no area; remove it"}')
    return polygon_rle(points, size, where)


def _mask_rle(shape: Mapping[str, Any], size: tuple[int, int], where: str) -> RLE | None:
    """A PNG in base64, of the part of the image between two points, both included."""
    (left, top), (right, bottom) = _points(shape, (2,), where)
    left, top, right, bottom = (int(value) for value in (left, top, right, bottom))
    text = Location(refuse(where)).read(shape, 'mask', str)
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True))) as image:
            mask = np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f'{where}: mask is not a PNG in base64 ({error}); label it again') from error
    if mask.ndim != 2 or mask.shape != (bottom - top + 1, right - left + 1):
        raise InputError(
            f'{where}: mask has the shape {mask.shape}, expected {(bottom - top + 1, right - left + 1)} as its points '
            'say; label it again'
        )
    return pasted_rle(mask, left, top, size, where)
