"""Exports of CVAT in the format 'CVAT for video 1.1'."""

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from mmrcf.errors import InputError
from mmrcf.utils import require_file

from .images import common_size, each, list_folders, list_images
from .shapes import box_points, check_inside, ellipse_points, pasted_rle, polygon_rle
from .writer import RLE, Converted, LabelledVideo, ObjectTrack, union

FILE_NAME = 'annotations.xml'
SHAPES = ('polygon', 'mask', 'ellipse', 'box', 'polyline', 'points', 'cuboid', 'skeleton')
BOXES = 'is a box, expected a mask; draw polygons or masks, or take boxes as filled rectangles with --boxes'


def convert_cvat(root: str | Path, boxes: bool = False, join_groups: bool = False, progress: bool = False) -> Converted:
    """Convert an unpacked export, or a folder of several.

    An export is a folder of ``annotations.xml`` and the frames in ``images/``. A track is an object. Its polygons,
    masks and ellipses are taken as they are in the file, frame by frame. Nothing is interpolated, since CVAT writes
    every frame of a track. It is absent in frames with ``outside="1"``, before its first and after its last shape.

    Args:
        root: The folder of an export, or one whose subfolders are exports.
        boxes: Take boxes as filled rectangles.
        join_groups: Tracks of one label and one group number are one object. CVAT draws masks in single frames only and
            exports each as a track; objects of several frames are grouped there.
        progress: Show a progress bar.

    Raises:
        InputError: A file is missing or malformed, a frame is missing or of another size, a shape cannot be a mask, or
            a label is not among those of the file.
    """
    root = Path(root)
    if root.is_file():
        raise InputError(
            f'{root}: expected the folder of an export with {FILE_NAME} and images/; unpack it if it is a zip'
        )
    single = (root / FILE_NAME).exists()
    folders = [root] if single else [root / name for name in list_folders(root, 'folder of exports')]
    classes: dict[str, None] = {}
    videos = []
    for folder in each(folders, 'video', progress):
        content = read_xml(folder / FILE_NAME)
        labels = _labels(content, folder / FILE_NAME)
        classes.update(dict.fromkeys(labels))
        prefix = 'images' if single else f'{folder.name}/images'
        videos.append(_convert_export(folder, prefix, content, labels, boxes, join_groups))
    return Converted(videos, tuple(classes), str(root))


class _DoctypeError(Exception):
    pass


class _Builder(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise _DoctypeError


def read_xml(path: Path) -> Element:
    """Root element of an XML file. One with a document type is refused: it could name entities and other files.

    Raises:
        InputError: The file is missing, malformed, or has a document type.
    """
    require_file(path, 'CVAT file')
    try:
        return ElementTree.parse(path, ElementTree.XMLParser(target=_Builder())).getroot()
    except _DoctypeError as error:
        raise InputError(f'CVAT file {path}: has a DOCTYPE, which CVAT never writes; remove it') from error
    except ElementTree.ParseError as error:
        raise InputError(f'CVAT file {path}: not valid XML ({error}); export it again') from error


def _attribute(element: Element, name: str, kind: type, where: str, default: str | None = None) -> float | int | str:
    text = element.get(name, default)
    if text is None:
        raise InputError(f'{where}: <{element.tag}> has no {name!r}; export the file again')
    try:
        value = kind(text)
    except ValueError as error:
        raise InputError(f'{where}: {name!r} is {text!r}, expected a number; correct it') from error
    return value


def _meta(content: Element, path: Path) -> Element:
    """The element that describes the task."""
    if content.tag != 'annotations' or content.find('image') is not None:
        raise InputError(f'CVAT file {path}: not in the format "CVAT for video 1.1"; export it in that format')
    for name in ('task', 'job'):
        if (meta := content.find(f'meta/{name}')) is not None:
            return meta
    raise InputError(f'CVAT file {path}: has neither meta/task nor meta/job; export each task by itself')


def _labels(content: Element, path: Path) -> list[str]:
    names = [(label.text or '').strip() for label in _meta(content, path).iterfind('labels/label/name')]
    if not names or not all(names):
        raise InputError(f'CVAT file {path}: no names in meta/.../labels; export the file again')
    return names


def _whole(meta: Element, name: str, path: Path) -> int | None:
    text = meta.findtext(name)
    try:
        return None if text is None else int(text)
    except ValueError as error:
        raise InputError(f'CVAT file {path}: {name} is {text!r}, expected a whole number; correct it') from error


def _frame_indices(meta: Element, num_images: int, path: Path) -> dict[int, int]:
    """Index of each frame by its number in the file. A task may have every n-th frame of a part of its video."""
    start = _whole(meta, 'start_frame', path) or 0
    stop = _whole(meta, 'stop_frame', path)
    step_text = (meta.findtext('frame_filter') or '').partition('step=')[2].strip()
    step = int(step_text) if step_text.isdigit() and int(step_text) > 0 else 1
    size = _whole(meta, 'size', path)
    numbers = range(start, start + num_images * step, step) if stop is None else range(start, stop + 1, step)
    expected = len(numbers) if size is None or stop is not None else size
    if num_images != expected:
        raise InputError(
            f'CVAT file {path}: names {expected} frames, but {num_images} are in {path.parent / "images"}; export the '
            'task again with "save images", without deleted frames'
        )
    return {number: index for index, number in enumerate(numbers)}


def _convert_export(
    folder: Path, prefix: str, content: Element, labels: list[str], boxes: bool, join_groups: bool
) -> LabelledVideo:
    """One video, from an export of CVAT with its images; ``prefix`` is the path of the images in file names."""
    path = folder / FILE_NAME
    meta = _meta(content, path)
    images = list_images(folder / 'images', 'image folder')
    height, width = common_size(images.values())
    stated = tuple(_whole(meta, f'original_size/{side}', path) for side in ('height', 'width'))
    if None not in stated and stated != (height, width):
        raise InputError(
            f'CVAT file {path}: original_size is {stated[1]} x {stated[0]}, but the images are {width} x {height} '
            'pixels; give the frames that were labelled'
        )
    frames = _frame_indices(meta, len(images), path)
    video = LabelledVideo(folder.name, height, width, [f'{prefix}/{image.name}' for image in images.values()])
    objects: dict[tuple, ObjectTrack] = {}
    for index, element in enumerate(content.iterfind('track')):
        where = f'CVAT file {path}: track {element.get("id", index)}'
        label = _attribute(element, 'label', str, where)
        if label not in labels:
            raise InputError(f'{where}: label {label!r} is not in meta (there: {", ".join(labels)}); correct the file')
        group = element.get('group_id', '0')
        key = ('group', label, group) if join_groups and group != '0' else ('track', index)
        track = objects.setdefault(key, ObjectTrack(label))
        for frame, rle in _track_rles(element, frames, (height, width), boxes, where).items():
            track.rles[frame] = union(track.rles.get(frame), rle)
    video.tracks += objects.values()
    return video


def _track_rles(
    track: Element, frames: Mapping[int, int], size: tuple[int, int], boxes: bool, where: str
) -> dict[int, RLE]:
    """RLE by frame index of the frames in which a track is visible."""
    rles: dict[int, RLE] = {}
    last: tuple[int, bool] | None = None
    numbers = sorted(
        (_attribute(shape, 'frame', int, where), position)
        for position, shape in enumerate(track)
        if shape.tag in SHAPES
    )
    shapes = list(track)
    for number, position in numbers:
        shape, here = shapes[position], f'{where}, frame {number}'
        if number not in frames:
            raise InputError(f'{here}: no such frame in the task; export it again')
        index, visible = frames[number], shape.get('outside', '0') != '1'
        if last is not None and last[0] == index:
            raise InputError(f'{here}: two shapes in one frame; remove one')
        if last is not None and last[1] and last[0] + 1 < index:
            raise InputError(
                f'{here}: the shape before is {index - last[0]} frames earlier, and the frames between have none; '
                'export from CVAT, which writes every frame of a track'
            )
        last = (index, visible)
        if visible and (rle := _shape_rle(shape, size, boxes, here)) is not None:
            rles[index] = rle
    return rles


def _shape_rle(shape: Element, size: tuple[int, int], boxes: bool, where: str) -> RLE | None:
    """The mask (height, width) of one shape; None if it has no pixel in the frame."""

    def number(name: str, default: str | None = None) -> float:
        return _attribute(shape, name, float, where, default)

    if shape.tag == 'polygon':
        pairs = [pair.split(',') for pair in _attribute(shape, 'points', str, where).split(';')]
        try:
            points = [(float(x), float(y)) for x, y in pairs]
        except ValueError as error:
            raise InputError(f'{where}: points are not pairs "x,y;x,y"; correct them') from error
    elif shape.tag == 'mask':
        return _mask_rle(shape, size, where)
    elif shape.tag == 'ellipse':
        points = ellipse_points(number('cx'), number('cy'), number('rx'), number('ry'), number('rotation', '0'))
    elif shape.tag == 'box' and boxes:
        points = box_points(number('xtl'), number('ytl'), number('xbr'), number('ybr'), number('rotation', '0'))
    else:
        raise InputError(f'{where}: {BOXES if shape.tag == "box" else f"a {shape.tag} has no area; remove it"}')
    return polygon_rle(points, size, where)


def _mask_rle(shape: Element, size: tuple[int, int], where: str) -> RLE | None:
    """Runs go row by row through a box of the image, background first."""
    left, top, width, height = (_attribute(shape, name, int, where) for name in ('left', 'top', 'width', 'height'))
    try:
        runs = [int(run) for run in _attribute(shape, 'rle', str, where).split(',')]
    except ValueError as error:
        raise InputError(f'{where}: rle is not a list of whole numbers; correct it') from error
    check_inside(left, top, width, height, size, where)
    if min(runs) < 0 or sum(runs) != width * height:
        raise InputError(f'{where}: rle adds up to {sum(runs)}, expected {width} x {height} pixels; correct it')
    values = np.repeat(np.arange(len(runs)) % 2, runs).reshape(height, width)
    return pasted_rle(values, left, top, size, where)
