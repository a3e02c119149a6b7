"""Several training sets as one, as the paper's first stage needs them: YouTube-VIS and COCO pseudo-clips."""

from bisect import bisect_right
from collections.abc import Callable, Sequence

import numpy as np
from torch.utils.data import Dataset

from mmrcf.errors import InputError
from mmrcf.registry import DATASETS

from .clips import ClipRequest, build_pipeline


@DATASETS.register_module()
class JointDataset(Dataset):
    """Several data sets one after the other; :class:`JointSampler` decides how often each is drawn from.

    Args:
        datasets: Configs of data sets for training, all with the same classes in the same order.
        num_references: delta, for all of them: clips of one batch have one length.
        num_targets: S, for all of them.
        pipeline: Transforms for those data sets that have none of their own; built once. None: each has its own.

    Raises:
        InputError: There is no data set, one is in test mode, or their classes differ.
    """

    test_mode = False

    def __init__(
        self,
        datasets: Sequence[dict],
        num_references: int = 1,
        num_targets: int = 1,
        pipeline: Sequence[dict | Callable] | None = None,
    ) -> None:
        if not datasets:
            raise InputError('JointDataset: datasets is empty; give at least one')
        self.num_references = num_references
        clip = dict(num_references=num_references, num_targets=num_targets)
        shared = dict(pipeline=build_pipeline(pipeline).transforms) if pipeline else {}
        self.datasets = [DATASETS.build(shared | dict(config) | clip) for config in datasets]
        if any(dataset.test_mode for dataset in self.datasets):
            raise InputError('JointDataset: test_mode is set in a data set; joint data is for training, leave it out')
        first, *others = self.datasets
        first.full_init()
        for dataset in others:
            dataset.full_init()
            classes, expected = (tuple(item.metainfo['classes']) for item in (dataset, first))
            if classes != expected:
                difference = sorted(set(classes) ^ set(expected)) or 'their order'
                raise InputError(
                    f'JointDataset: {dataset.ann_file} and {first.ann_file} differ in classes ({difference}); '
                    'set the same metainfo.classes on both'
                )
        self.sizes = [len(dataset) for dataset in self.datasets]
        self._ends = np.cumsum(self.sizes).tolist()

    @property
    def metainfo(self) -> dict:
        """That of the first data set; the classes are those of all."""
        return self.datasets[0].metainfo

    def __len__(self) -> int:
        """Number of videos and images."""
        return self._ends[-1]

    def __getitem__(self, item: int | ClipRequest) -> dict:
        """The clip of an index over all data sets, or of a :class:`ClipRequest` with such an index."""
        index = item.index if isinstance(item, ClipRequest) else item
        if not 0 <= index < len(self):
            raise IndexError(f'index {index} of {len(self)} items')
        part = bisect_right(self._ends, index)
        local = index - (self._ends[part] - self.sizes[part])
        return self.datasets[part][item._replace(index=local) if isinstance(item, ClipRequest) else local]
