"""Small trees in the published layouts, and the masks of what converters return."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_utils

from mmrcf.datasets.annotations import validate_annotations
from mmrcf.datasets.converters import Converted, ObjectTrack, youtube_vis_content

HEIGHT, WIDTH = 20, 30
PALETTE = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, 0, 0, 128, 128, 0, 128] + [90] * 750


def box(left: int, top: int, width: int, height: int, value: int = 1) -> np.ndarray:
    """(HEIGHT, WIDTH) uint8 with a filled box."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top : top + height, left : left + width] = value
    return mask


def write_image(path: Path, pixels: np.ndarray, palette: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if palette:
        image.putpalette(PALETTE)
    image.save(path)
    return path


def write_frames(folder: Path, names: Sequence[str], size: tuple[int, int] = (HEIGHT, WIDTH)) -> None:
    for index, name in enumerate(names):
        write_image(folder / name, np.full((*size, 3), 20 + 10 * index, np.uint8))


def masks_of(track: ObjectTrack, num_frames: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """(T, H, W) uint8."""
    empty = np.zeros(size, np.uint8)
    return np.stack([mask_utils.decode(track.rles[t]) if t in track.rles else empty for t in range(num_frames)])


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Converted], dict]:
    """``written(converted)``: the YouTube-VIS JSON, after the validator found no problem in it and its frames."""

    def write(converted: Converted) -> dict:
        path = tmp_path / 'instances.json'
        path.write_text(json.dumps(youtube_vis_content(converted, 'input')))
        assert validate_annotations(path, converted.image_root) == []
        return json.loads(path.read_text())

    return write
