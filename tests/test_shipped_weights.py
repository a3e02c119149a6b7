"""The shipped weights for ordinary video on photographs and on the demo clip, against masks drawn by hand."""

import json
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmrcf.apis import OnlineSegmenter
from mmrcf.structures import FrameResult

pytestmark = pytest.mark.slow

# Goal: 0.7. The shipped weights reach 0.738, 0.603 and 0.762; a bound is 0.05 below, for other machines and versions.
MIN_IOU = {'grace_hopper': 0.688, 'astronaut': 0.553, 'chelsea': 0.712}
HEIGHT = 140
"""Of a photograph in a frame of 360 pixels: close up, the weights do not detect the cat."""
# In the clip: share of the frames with IoU >= 0.5, of those that show most of the object, and changes of its track ID.
MIN_CLIP_SHARE = {'grace_hopper': 0.9, 'astronaut': 0.9, 'chelsea': 0.9}
MAX_ID_CHANGES = {'grace_hopper': 0, 'astronaut': 0, 'chelsea': 0}
SHOWS_MOST = 0.6
STEP = 3
"""Of three frames of the clip one is tested, as a stream of 5 FPS: harder to follow, and a third of the time."""
FRAMES = 3


@dataclass(frozen=True)
class Annotation:
    """What is to be found on a photograph: masks uint8 [height, width], of 0 and 1."""

    category: str
    mask: np.ndarray
    ignored: np.ndarray


def read_annotations() -> dict[str, Annotation]:
    content = json.loads((Path(__file__).parent / 'data/photograph_masks.json').read_text())
    annotations = {}
    for item in content['photographs']:
        mask = mask_utils.decode(item['segmentation'])
        ignored = mask_utils.decode(item['ignored']) if 'ignored' in item else np.zeros_like(mask)
        annotations[item['name']] = Annotation(item['category'], mask, ignored)
    return annotations


ANNOTATIONS = read_annotations()


def ious(result: FrameResult, annotation: Annotation) -> np.ndarray:
    """IoU of each object of a frame with the annotation, outside the ignored region: float [n]."""
    judged = annotation.ignored == 0
    mask = (annotation.mask > 0) & judged
    intersections = (result.masks & mask).sum(axis=(1, 2))
    unions = ((result.masks & judged) | mask).sum(axis=(1, 2))
    return intersections / np.maximum(unions, 1)


@pytest.fixture(scope='module')
def script(load_script) -> ModuleType:
    return load_script('tools/misc/make_demo_clip.py')


@pytest.fixture(scope='module')
def segmenter() -> OnlineSegmenter:
    return OnlineSegmenter('real')


@pytest.mark.parametrize('name', ANNOTATIONS)
def test_a_photograph(script: ModuleType, segmenter: OnlineSegmenter, name: str) -> None:
    image, annotation = script.PHOTOGRAPHS[name].read()[..., ::-1], ANNOTATIONS[name]
    assert annotation.mask.shape == image.shape[:2]
    frame = np.full((script.CLIP_HEIGHT, script.CLIP_WIDTH, 3), script.WALL, np.uint8)
    mask, ignored = np.zeros((2, *frame.shape[:2]), np.uint8)
    width = round(HEIGHT * image.shape[1] / image.shape[0])
    top, left = (frame.shape[0] - HEIGHT) // 2, (frame.shape[1] - width) // 2
    window = (slice(top, top + HEIGHT), slice(left, left + width))
    frame[window] = cv2.resize(image, (width, HEIGHT), interpolation=cv2.INTER_AREA)
    for plane, source in ((mask, annotation.mask), (ignored, annotation.ignored)):
        plane[window] = cv2.resize(source, (width, HEIGHT), interpolation=cv2.INTER_NEAREST)
    annotation = Annotation(annotation.category, mask, ignored)
    segmenter.reset()
    ids = []
    for _ in range(FRAMES):
        result = segmenter.step(frame)
        overlaps = ious(result, annotation)
        assert len(result), 'nothing is detected'
        best = int(overlaps.argmax())
        assert result.class_names[best] == annotation.category, (result.class_names, overlaps.round(2))
        assert overlaps[best] >= MIN_IOU[name], (result.class_names, overlaps.round(3))
        ids.append(int(result.ids[best]))
    assert len(set(ids)) == 1, ids


@pytest.fixture(scope='module')
def clip_results(script: ModuleType, segmenter: OnlineSegmenter) -> list[FrameResult]:
    images = {name: photograph.read() for name, photograph in script.PHOTOGRAPHS.items()}
    segmenter.reset()
    canvas = script.paint_canvas(images, script.place_photographs(images))
    frames = islice(script.film_canvas(canvas), 0, None, STEP)
    return [segmenter.step(np.ascontiguousarray(frame[..., ::-1])) for frame in frames]


@pytest.mark.parametrize('name', ANNOTATIONS)
def test_the_demo_clip(script: ModuleType, clip_results: list[FrameResult], name: str) -> None:
    annotation = ANNOTATIONS[name]
    images = {key: photograph.read() for key, photograph in script.PHOTOGRAPHS.items()}
    place = script.place_photographs(images)[name]
    best_ious, ids = [], []
    windows = islice(script.camera_windows(), 0, None, STEP)
    for result, (left, top, scale) in zip(clip_results, windows, strict=True):
        zoom = place.scale * scale
        matrix = np.array([[zoom, 0, (place.left - left) * scale], [0, zoom, (place.top - top) * scale]])
        size = (script.CLIP_WIDTH, script.CLIP_HEIGHT)
        mask, ignored = (
            cv2.warpAffine(plane, matrix, size, flags=cv2.INTER_NEAREST)
            for plane in (annotation.mask, annotation.ignored)
        )
        if mask.sum() < SHOWS_MOST * zoom**2 * annotation.mask.sum():
            continue
        overlaps = ious(result, Annotation(annotation.category, mask, ignored))
        best = int(overlaps.argmax()) if len(result) else -1
        is_right = best >= 0 and result.class_names[best] == annotation.category
        best_ious.append(overlaps[best] if is_right else 0.0)
        if best_ious[-1] >= 0.5:
            ids.append(int(result.ids[best]))
    share = np.mean(np.array(best_ious) >= 0.5)
    changes = sum(before != after for before, after in zip(ids, ids[1:], strict=False))
    assert len(best_ious) >= script.CLIP_FPS / STEP, 'the clip shows it for a second or more'
    assert share >= MIN_CLIP_SHARE[name], (share, np.round(best_ious, 2).tolist())
    assert changes <= MAX_ID_CHANGES[name], ids
