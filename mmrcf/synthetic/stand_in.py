"""Small stand-ins for the data sets a config names: synthetic videos in their layout, under their class names."""

from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config, ConfigDict

from mmrcf.datasets.annotations.class_maps import CLASS_MAPS
from mmrcf.datasets.classes import resolve_classes
from mmrcf.errors import InputError
from mmrcf.utils import read_json, write_json

from .writer import write_split


def use_stand_ins(config: Config, root: Path, size: tuple[int, int], num_videos: int = 2, num_frames: int = 4) -> None:
    """Write synthetic data for every training data set of ``config``, and for those it pastes from, and point it there.

    Args:
        config: Changed in place: ``data_root``, ``ann_file`` and ``data_prefix`` of its training data sets, and where
            they have audio what says which it is.
        root: An empty folder to write into.
        size: Height and width of the frames.
        num_videos: Videos of each data set.
        num_frames: Frames of each video.

    Raises:
        InputError: A data set of a kind that there is no stand-in for.
    """
    for index, node in enumerate(_data_sets(config.train_dataloader.dataset)):
        folder = root / str(index)
        with_audio = node.type == 'AVISDataset'
        variant = 'shapes_av' if with_audio else 'shapes'
        write_split(folder, variant, 'train', num_videos, num_frames=num_frames, size=size)
        content = read_json(folder / 'train' / 'instances.json', 'annotation file')
        if not with_audio and node.type not in ('YouTubeVISDataset', 'COCOPseudoVideoDataset'):
            raise InputError(f'config {config.filename}: there is no stand-in for a data set of type {node.type!r}')
        names = _category_names(node)
        if names is not None:
            content = _renamed(content, names)
        if node.type == 'COCOPseudoVideoDataset':
            content = _as_images(content, node.get('partly_labelled'))
        write_json(folder / 'stand_in.json', content)
        _point(node, folder, with_audio)


def _data_sets(node: ConfigDict) -> Iterator[ConfigDict]:
    """The data sets of a joint one, and those that a transform of a pipeline takes objects from."""
    parts = list(node.get('datasets') or ())
    if not parts:
        yield node
    parts += [source for step in node.get('pipeline') or [] for source in step.get('sources', ())]
    for part in parts:
        yield from _data_sets(part)


def _category_names(node: ConfigDict) -> tuple[str, ...] | None:
    """The names that the categories of a file for this data set have; None where it takes any."""
    class_map = node.get('class_map')
    if class_map is None:
        return resolve_classes(node.get('metainfo', {}).get('classes'))
    return tuple(CLASS_MAPS[class_map] if isinstance(class_map, str) else class_map)


def _renamed(content: dict, names: tuple[str, ...]) -> dict:
    """Under as many of the names as there are categories; with fewer names, several categories become one."""
    kept = min(len(names), len(content['categories']))
    ids = {category['id']: index % kept + 1 for index, category in enumerate(content['categories'])}
    tracks = [track | dict(category_id=ids[track['category_id']]) for track in content['annotations']]
    categories = [dict(id=index + 1, name=name) for index, name in enumerate(names[:kept])]
    return content | dict(categories=categories, annotations=tracks)


def _as_images(content: dict, partly_labelled: str | None) -> dict:
    """The first frame of every video as a COCO image; with a name for it, the first is marked as partly labelled."""
    images = [
        dict(id=video['id'], file_name=video['file_names'][0], height=video['height'], width=video['width'])
        | ({partly_labelled: index == 0} if partly_labelled else {})
        for index, video in enumerate(content['videos'])
    ]
    annotations = [
        dict(
            id=track['id'],
            image_id=track['video_id'],
            category_id=track['category_id'],
            iscrowd=0,
            segmentation=track['segmentations'][0],
        )
        for track in content['annotations']
        if track['segmentations'][0] is not None
    ]
    return dict(images=images, annotations=annotations, categories=content['categories'])


def _point(node: ConfigDict, folder: Path, with_audio: bool) -> None:
    node.data_root = f'{folder}/'
    node.ann_file = 'stand_in.json'
    node.data_prefix = dict(img='train/JPEGImages')
    for choice in ('only', 'exclude'):  # names of other files
        node.pop(choice, None)
    if with_audio:
        node.data_prefix = dict(img='train/JPEGImages', audio='train/WAVAudios')
        node.audio_suffix = '.wav'
