"""Which categories of an annotation file look alike, and in which frames its objects sound."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mmrcf.datasets.annotations.reader import read_annotations
from mmrcf.datasets.annotations.view import AnnotationView
from mmrcf.errors import InputError

from .ground_truth import GroundTruth

Groups = Mapping[int, tuple[int, ...]]
"""For each category of a group, the categories of its group, itself among them."""


def resolve_groups(groups: Sequence[Sequence[str]] | None, ground_truth: GroundTruth) -> Groups:
    """The groups as category ids; see :class:`LookAlikeMetric`."""
    names = tuple(ground_truth.categories.values())
    if groups is None:
        by_look: dict[str, list[str]] = defaultdict(list)
        for name in names:
            if '-' in name:
                by_look[name.rpartition('-')[0]].append(name)
        groups = [members for members in by_look.values() if len(members) > 1]
        if not groups:
            raise InputError(
                f'LookAlikeMetric: no two categories of {ground_truth.source} share their name before a hyphen; '
                'give groups=[[class, class, ...], ...]'
            )
    if not groups or any(isinstance(members, str) or len(set(members)) < 2 for members in groups):
        raise InputError(f'LookAlikeMetric: groups={groups!r}: expected groups of at least two class names each')
    counts = Counter(name for members in groups for name in members)
    unusable = [name for name, count in counts.items() if count > 1 or name not in names]
    if unusable:
        raise InputError(
            f'LookAlikeMetric: groups={groups!r}: {unusable[0]!r} is '
            + ('there twice; each class may be in one group' if unusable[0] in names else 'not a category')
            + f' (categories of {ground_truth.source}: {", ".join(names[:10])})'
        )
    ids = {name: category_id for category_id, name in ground_truth.categories.items()}
    return {ids[name]: tuple(ids[other] for other in members) for members in groups for name in members}


def read_loudness(ann_file: str | Path, view: AnnotationView) -> list[np.ndarray | None]:
    """(T,) float64 for each annotation of the view of a file, in its order; None where it has no ``loudness``.

    Raises:
        InputError: There is not one number for each frame.
    """
    loudness: list[np.ndarray | None] = []
    file = read_annotations(ann_file, view)
    for item in file.require_annotations():
        values, length = item.entry.get('loudness'), file.videos[item.video_id].length
        if values is None:
            loudness.append(None)
            continue
        numbers = isinstance(values, list) and all(isinstance(value, int | float) for value in values)
        if not numbers or len(values) != length:
            raise InputError(
                f'{file.source}: annotation {item.annotation_id}: loudness: expected {length} numbers, one a frame; '
                'correct it or leave it out'
            )
        loudness.append(np.array(values, np.float64))
    return loudness
