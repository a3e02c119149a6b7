from collections.abc import Callable, Sequence

import numpy as np
import pytest
from pycocotools import mask as mask_utils

HEIGHT, WIDTH = 300, 320
Box = tuple[int, int, int, int]


def encode(mask: np.ndarray) -> dict:
    rle = mask_utils.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {'size': list(rle['size']), 'counts': rle['counts'].decode()}


def box_rle(box: Box | None) -> dict | None:
    """The mask of a box (x, y, width, height), None for None."""
    if box is None:
        return None
    x, y, width, height = box
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + height, x : x + width] = True
    return encode(mask)


def make_annotations(
    tracks: Sequence[tuple[int, str, Sequence[Box | None]]],
    categories: Sequence[str] = ('cat', 'dog'),
    lengths: dict[int, int] | None = None,
) -> dict:
    """An annotation file of (video id, category, a box a frame); category ids are 10, 20, ..."""
    lengths = dict(lengths or {})
    for video_id, _, boxes in tracks:
        lengths.setdefault(video_id, len(boxes))
    ids = {name: 10 * (index + 1) for index, name in enumerate(categories)}
    return {
        'videos': [
            {
                'id': video_id,
                'height': HEIGHT,
                'width': WIDTH,
                'length': length,
                'file_names': [f'clip{video_id}/{frame:05d}.jpg' for frame in range(length)],
            }
            for video_id, length in lengths.items()
        ],
        'categories': [{'id': category_id, 'name': name} for name, category_id in ids.items()],
        'annotations': [
            {
                'id': number,
                'video_id': video_id,
                'category_id': ids[category],
                'iscrowd': 0,
                'segmentations': [box_rle(box) for box in boxes],
                # Wrong on purpose: nothing derived may be trusted.
                'areas': [1.0] * len(boxes),
                'bboxes': [None] * len(boxes),
            }
            for number, (video_id, category, boxes) in enumerate(tracks)
        ],
    }


def make_result(video_id: int, category_id: int, boxes: Sequence[Box | None], score: float = 0.9) -> dict:
    return {
        'video_id': video_id,
        'category_id': category_id,
        'score': score,
        'segmentations': [box_rle(box) for box in boxes],
    }


def make_frame(
    video_id: int,
    frame_id: int,
    length: int,
    objects: Sequence[tuple[int, int, Sequence[float], Box]] = (),
) -> dict:
    """What the test loop hands on for a frame with objects (track ID, slot, class distribution, box)."""
    probs = np.array([probs for _, _, probs, _ in objects] or np.zeros((0, 2)), np.float32)
    return {
        'video_id': video_id,
        'frame_id': frame_id,
        'video_length': length,
        'ori_shape': (HEIGHT, WIDTH),
        'ids': np.array([track_id for track_id, _, _, _ in objects], np.int64),
        'queries': np.array([slot for _, slot, _, _ in objects], np.int64),
        'labels': probs.argmax(1) if len(objects) else np.zeros(0, np.int64),
        'scores': probs.max(1) if len(objects) else np.zeros(0, np.float32),
        'class_probs': probs,
        'rles': [box_rle(box) for _, _, _, box in objects],
    }


@pytest.fixture(scope='session')
def annotations() -> Callable[..., dict]:
    return make_annotations


@pytest.fixture(scope='session')
def result() -> Callable[..., dict]:
    return make_result


@pytest.fixture(scope='session')
def frame() -> Callable[..., dict]:
    return make_frame


def random_case(seed: int) -> tuple[dict, list[dict]]:
    """Ground truth and results of squares that drift, grow apart, vanish, and are mistaken for each other."""
    rng = np.random.default_rng(seed)
    annotated = make_annotations([], categories=('cat', 'dog', 'cow'), lengths={3: 4, 5: 3, 6: 5})
    results = []
    for video in annotated['videos']:
        length = video['length']
        for _ in range(rng.integers(1, 4)):
            x, y = rng.integers(0, 100, 2)
            side, shift = rng.integers(20, 200), rng.integers(0, 12)
            boxes = [(int(x + 3 * frame), int(y), int(side), int(side)) for frame in range(length)]
            found = [(bx + int(shift), by + int(shift), w, h) for bx, by, w, h in boxes]
            category = int(rng.choice([10, 20, 30]))
            truth = make_result(video['id'], category, [box if rng.random() < 0.85 else None for box in boxes])
            areas = [None if rle is None else int(mask_utils.area(rle)) for rle in truth['segmentations']]
            annotated['annotations'].append(
                {
                    'id': len(annotated['annotations']) + 1,
                    'video_id': video['id'],
                    'category_id': category,
                    'iscrowd': int(rng.random() < 0.15),
                    'segmentations': truth['segmentations'],
                    'areas': areas,
                    'bboxes': [None] * length,
                }
            )
            said = category if rng.random() < 0.8 else int(rng.choice([10, 20, 30]))
            # Scores with one decimal, so that some are equal.
            score = float(np.round(rng.random(), 1))
            results.append(
                make_result(video['id'], said, [box if rng.random() < 0.85 else None for box in found], score)
            )
    return annotated, results


@pytest.fixture(scope='session')
def case() -> Callable[[int], tuple[dict, list[dict]]]:
    return random_case
