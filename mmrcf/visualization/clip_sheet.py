"""Training clips as a picture: a row a clip, its frames side by side, objects in the colour of their track ID."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from mmdet.structures import DetDataSample

from mmrcf.structures import FrameResult
from mmrcf.utils import mask_boxes

from .label_text import draw_text, text_size
from .track_visualizer import TrackStyle, draw_tracks

GAP = 4
TITLE_SIZE = 12
"""Of the font, in pixels."""
STRIPES = 12
"""Pixels from one stripe over an ignored region to the next."""


def draw_clip(
    frames: torch.Tensor, samples: Sequence[DetDataSample], class_names: Sequence[str], height: int
) -> np.ndarray:
    """Draw the frames of a clip side by side, as the model gets them.

    Args:
        frames: (T, 3, H, W) uint8, BGR.
        samples: T frames, as ``PackClip`` leaves them; ignored regions are dimmed and striped.
        class_names: By label.
        height: Of the row in pixels.

    Returns:
        (height, w, 3) uint8 RGB.
    """
    cells = [
        _draw_frame(frame.permute(1, 2, 0).numpy()[..., ::-1], sample, class_names, height)
        for frame, sample in zip(frames, samples, strict=True)
    ]
    gap = np.full((height, GAP, 3), 255, np.uint8)
    return np.hstack([part for cell in cells for part in (cell, gap)][:-1])


def add_title(row: np.ndarray, text: str) -> np.ndarray:
    """A row (h, w, 3) with a line of text above it, black on white; see :func:`draw_text` about its letters."""
    _, height, depth = text_size(text, TITLE_SIZE)
    band = np.full((height + depth, row.shape[1], 3), 255, np.uint8)
    draw_text(band, text, (0, height), TITLE_SIZE, (0, 0, 0))
    return np.vstack([band, row])


def stack_rows(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows (h, w, 3) uint8 of any widths, one below the other on white."""
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, GAP), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    return np.vstack(padded)[:-GAP]


def _draw_frame(image: np.ndarray, sample: DetDataSample, class_names: Sequence[str], height: int) -> np.ndarray:
    """A frame at this height with its labels drawn in; ignored regions are shaded."""
    size = (max(1, round(image.shape[1] * height / image.shape[0])), height)
    shrinks = height < image.shape[0]
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    if 'ignored_instances' in sample:
        image = _shade(image, _resize(sample.ignored_instances.masks.masks, size).any(axis=0))
    if 'gt_instances' not in sample:
        return image
    objects = sample.gt_instances
    masks, labels = _resize(objects.masks.masks, size), objects.labels.numpy()
    shown = FrameResult(
        frame_index=int(sample.metainfo.get('frame_id', 0)),
        ids=objects.instances_ids.numpy(),
        labels=labels,
        scores=np.ones(len(masks), np.float32),
        masks=masks,
        boxes=mask_boxes(masks),
        class_names=tuple(class_names[label] for label in labels),
        class_probs=np.zeros((len(masks), len(class_names)), np.float32),
        queries=np.arange(len(masks)),
    )
    return draw_tracks(image, shown, TrackStyle(scores=False))  # labels have none


def _resize(masks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(n, H, W) uint8 to (n, h, w) bool; ``size`` is (w, h)."""
    resized = [cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT) for mask in masks]
    return np.array(resized, bool).reshape(-1, size[1], size[0])


def _shade(image: np.ndarray, region: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(region.shape)
    striped = region & ((rows + columns) % STRIPES < 2)
    shaded = np.where(region[..., None], image // 3, image)
    shaded[striped] = 160
    return shaded
