"""Small stand-ins for the data sets a config names: synthetic videos in their layout, under their class names."""

from pathlib import Path

from mmengine.config import Config, ConfigDict

from mmrcf.datasets.class_names import resolve_classes
from mmrcf.datasets.coco_class_map import CLASS_MAPS
from mmrcf.errors import InputError
from mmrcf.utils import read_json, write_json

from .writer import write_split


def use_stand_ins(config: Config, root: Path, size: tuple[int, int], num_videos: int = 2, num_frames: int = 4) -> None:
    """Write synthetic data for every training data set of ``config`` and point it there.

    Args:
        config: Changed in place: ``data_root``, ``ann_file`` and ``data_prefix`` of its training data sets, and where
            they have sound what says which it is.
        root: An empty folder to write into.
        size: Height and width of the frames.
        num_videos: Videos of each data set.
        num_frames: Frames of each video.

    Raises:
        InputError: A data set of a kind that there is no stand-in for.
    """
    dataset = config.train_dataloader.dataset
    for index, node in enumerate(dataset.get('datasets', [dataset])):
        folder = root / str(index)
        with_sound = node.type == 'AVISDataset'
        variant = 'shapes_av' if with_sound else 'shapes'
        write_split(folder, variant, 'train', num_videos, num_frames=num_frames, size=size)
        content = read_json(folder / 'train' / 'instances.json', 'annotation file')
        if with_sound or node.type == 'YouTubeVISDataset':
            names = resolve_classes(node.get('metainfo', {}).get('classes'))
            if names is not None:
                content['categories'] = _renamed(content['categories'], names)
        elif node.type == 'COCOPseudoVideoDataset':
            content = _as_images(content, tuple(CLASS_MAPS[node.class_map]))
        else:
            raise InputError(f'config {config.filename}: there is no stand-in for a data set of type {node.type!r}')
        write_json(folder / 'stand_in.json', content)
        _point(node, folder, with_sound)


def _renamed(categories: list[dict], names: tuple[str, ...]) -> list[dict]:
    return [{**category, 'name': names[index % len(names)]} for index, category in enumerate(categories)]


def _as_images(content: dict, names: tuple[str, ...]) -> dict:
    """The first frame of every video as a COCO image."""
    images = [
        dict(id=video['id'], file_name=video['file_names'][0], height=video['height'], width=video['width'])
        for video in content['videos']
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
    return dict(images=images, annotations=annotations, categories=_renamed(content['categories'], names))


def _point(node: ConfigDict, folder: Path, with_sound: bool) -> None:
    node.data_root = f'{folder}/'
    node.ann_file = 'stand_in.json'
    node.data_prefix = dict(img='train/JPEGImages')
    if with_sound:
        node.data_prefix = dict(img='train/JPEGImages', audio='train/WAVAudios')
        node.audio_suffix = '.wav'
