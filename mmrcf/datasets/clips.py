"""Training clips: how a sampler requests one, which frames it has, its random numbers, and batches of clips."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import FUNCTIONS
from torch.utils.data import Dataset

from mmrcf.errors import InputError
from mmrcf.inputs import note_folder
from mmrcf.registry import TRANSFORMS


class ClipRequest(NamedTuple):
    """A video, and the seed of everything that is drawn on the way to the clip: frames, motion, augmentation.

    Attributes:
        index: Index of the video in its data set.
        seed: Any numbers, each at least 0.
    """

    index: int
    seed: tuple[int, ...]


def index_and_rng(item: int | ClipRequest) -> tuple[int, np.random.Generator]:
    """Index and source of randomness of an item; a bare index is seeded from NumPy's global state."""
    if isinstance(item, ClipRequest):
        return item.index, np.random.default_rng(item.seed)
    return item, np.random.default_rng(np.random.randint(2**31))


def clip_rng(results: dict) -> np.random.Generator:
    """The generator of this clip, one for all its transforms.

    A data set that has the seed of the sample gives the generator as ``results['rng']``; otherwise it is seeded
    once from NumPy's global state, which MMEngine seeds for each worker.
    """
    if 'rng' not in results:
        results['rng'] = np.random.default_rng(np.random.randint(2**31))
    return results['rng']


def sample_clip(
    rng: np.random.Generator, video_length: int, num_references: int, num_targets: int, max_gap: int
) -> list[int]:
    """Draw the frames of a clip.

    The first target is uniform over the frames from which the other targets still fit, so the start of a video, where
    the oldest frame stands in for missing references, is seen in training as it is at inference. Gaps are uniform in
    [1, max_gap], smaller between targets where the video is too short for them.

    Args:
        rng: Source of randomness.
        video_length: Number of frames of the video, at least 1.
        num_references: delta, frames of context before the first target.
        num_targets: S, at least 1.
        max_gap: Largest step between two neighbouring frames of the clip.

    Returns:
        T = delta + S frame indices in chronological order, the last S of them targets. Targets are distinct frames,
        unless the video has fewer than S; then the oldest is repeated.
    """
    target_gaps = np.zeros(0, np.int64)
    if num_targets > 1:
        widest = max(1, min(max_gap, (video_length - 1) // (num_targets - 1)))
        target_gaps = rng.integers(1, widest + 1, size=num_targets - 1)
    reference_gaps = rng.integers(1, max_gap + 1, size=num_references)
    span = int(target_gaps.sum())
    last = int(rng.integers(min(span, video_length - 1), video_length))
    steps = np.concatenate([reference_gaps, target_gaps])
    back = np.concatenate([np.cumsum(steps[::-1])[::-1], [0]])
    return [int(frame) for frame in np.maximum(last - back, 0)]


def build_pipeline(steps: Sequence[dict | Callable] | None) -> Compose:
    """The transforms of a config, one after the other.

    They are built through this project's registry, so that bare names are found whatever the default scope is.
    """
    return Compose([TRANSFORMS.build(step) if isinstance(step, dict) else step for step in steps or []])


def resolve_prefix(data_prefix: Mapping[str, str] | None, others: tuple[str, ...] = ()) -> dict[str, str]:
    """``data_prefix`` of a config, where ``img`` is the folder of the images; None for the root of the data set.

    Args:
        data_prefix: Folders by key.
        others: Keys that it may have beside ``img``.

    Raises:
        InputError: It has no ``img``, or a key that is not known.
    """
    prefix = dict(data_prefix or {'img': ''})
    if not {'img'} <= set(prefix) <= {'img', *others}:
        expected = ' and '.join(repr(key) for key in ('img', *others))
        raise InputError(f'data_prefix has the keys {sorted(prefix)}, expected {expected} only; correct the config')
    return prefix


def note_files(records: Sequence[Mapping[str, Any]], data_prefix: Mapping[str, str]) -> None:
    """Count the frames and audio files of ``records``, which workers of a data loader read, as inputs of the command.

    Args:
        records: Entries of a data set, with ``img_path`` and possibly ``audio_path``.
        data_prefix: The folders that hold the files, by key.
    """
    paths = {record[key] for record in records for key in ('img_path', 'audio_path') if record.get(key)}
    suffixes = {os.path.splitext(path)[1] for path in paths}
    for folder in data_prefix.values():
        note_folder(folder, suffixes)


@FUNCTIONS.register_module()
def collate_clips(batch: Sequence[dict]) -> dict:
    """As MMEngine's ``pseudo_collate``, for clips that need not have the same inputs.

    Data sets with and without audio may so be joined: ``collate_fn=dict(type='collate_clips')`` on the data loader.

    Args:
        batch: B clips, as ``PackClip`` leaves them.

    Returns:
        ``inputs``: for each key a list of B entries, None where a clip has no such input; ``data_samples``: B samples.
    """
    keys = dict.fromkeys(key for clip in batch for key in clip['inputs'])
    return pseudo_collate([clip | dict(inputs={key: clip['inputs'].get(key) for key in keys}) for clip in batch])


def clip_length(dataset: Dataset) -> int | None:
    """T, frames of a data set's training clips; None where it has none."""
    if hasattr(dataset, 'clip_length'):
        return dataset.clip_length
    if hasattr(dataset, 'num_references') and hasattr(dataset, 'num_targets'):
        return dataset.num_references + dataset.num_targets
    return None
