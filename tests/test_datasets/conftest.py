"""Annotation files of a few small videos, made in memory."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

HEIGHT, WIDTH = 40, 60
COLOURS = np.array([[60, 60, 220], [60, 220, 60], [220, 60, 60]], np.uint8)


def box_mask(left: int, top: int, width: int, height: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top : top + height, left : left + width] = 1
    return mask


def compressed(mask: np.ndarray) -> dict:
    rle = mask_utils.encode(np.asfortranarray(mask))
    return dict(size=rle['size'], counts=rle['counts'].decode())


def uncompressed(mask: np.ndarray) -> dict:
    flat = mask.flatten(order='F')
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], edges, [len(flat)]])).tolist()
    return dict(size=list(mask.shape), counts=([0] if flat[0] else []) + runs)


def to_rle(segmentation: dict) -> dict:
    listed = isinstance(segmentation['counts'], list)
    return mask_utils.frPyObjects(segmentation, HEIGHT, WIDTH) if listed else segmentation


@pytest.fixture
def content() -> dict:
    """Two videos of 6 and 3 frames: a box that moves, one that leaves, and a crowd."""
    videos = [
        dict(id=7, height=HEIGHT, width=WIDTH, length=6, file_names=[f'a/{t:05d}.png' for t in range(6)]),
        dict(id=3, height=HEIGHT, width=WIDTH, length=3, file_names=[f'b/{t:05d}.png' for t in range(3)]),
    ]
    moving = [box_mask(4 + 5 * t, 6, 12, 10) for t in range(6)]
    leaving = [box_mask(20, 24, 16, 12) if t < 2 else None for t in range(6)]
    other = [box_mask(10, 3 * t, 20, 9) for t in range(3)]
    tracks = [
        (11, 7, 2, [compressed(mask) for mask in moving], 0),
        (12, 7, 1, [None if mask is None else uncompressed(mask) for mask in leaving], 0),
        (13, 7, 1, [compressed(box_mask(0, 0, 60, 3))] * 6, 1),
        (14, 3, 2, [compressed(mask) for mask in other], 0),
    ]
    annotations = [
        dict(id=key, video_id=video, category_id=category, iscrowd=crowd, segmentations=segmentations)
        for key, video, category, segmentations, crowd in tracks
    ]
    for annotation in annotations:
        rles = [None if item is None else to_rle(item) for item in annotation['segmentations']]
        annotation['areas'] = [None if rle is None else int(mask_utils.area(rle)) for rle in rles]
        annotation['bboxes'] = [None if rle is None else mask_utils.toBbox(rle).tolist() for rle in rles]
    categories = [dict(id=1, name='cat'), dict(id=2, name='dog')]
    return dict(videos=videos, categories=categories, annotations=annotations)


@pytest.fixture
def write_ytvis(tmp_path: Path, content: dict) -> Callable[..., Path]:
    """``write_ytvis(content)``: the file ``instances.json`` beside its frames, with objects painted by track."""

    def write(changed: dict | None = None) -> Path:
        for video in content['videos']:
            for frame, name in enumerate(video['file_names']):
                path = tmp_path / 'images' / name
                path.parent.mkdir(parents=True, exist_ok=True)
                image = np.full((HEIGHT, WIDTH, 3), 20 + frame, np.uint8)
                tracks = [item for item in content['annotations'] if item['video_id'] == video['id']]
                for colour, track in zip(COLOURS, tracks, strict=False):
                    segmentation = track['segmentations'][frame]
                    if segmentation is not None and not track['iscrowd']:
                        image[mask_utils.decode(to_rle(segmentation)).astype(bool)] = colour
                cv2.imwrite(str(path), image)
        path = tmp_path / 'instances.json'
        path.write_text(json.dumps(content if changed is None else changed))
        return path

    return write


@pytest.fixture
def changed(content: dict) -> Callable[..., dict]:
    """``changed(('annotations', 0, 'id'), 5)``: a copy of the content with one value replaced; ``...`` removes it."""

    def change(keys: tuple, value: object = ...) -> dict:
        result = copy.deepcopy(content)
        entry = result
        for key in keys[:-1]:
            entry = entry[key]
        if value is ...:
            del entry[keys[-1]]
        else:
            entry[keys[-1]] = value
        return result

    return change
