"""Which item of a data set a rank takes next: random clips in training, whole videos in testing."""

import itertools
from abc import abstractmethod
from collections.abc import Iterator, Sequence, Sized

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmrcf.errors import InputError
from mmrcf.registry import DATA_SAMPLERS

from .clips import ClipRequest
from .joint_dataset import JointDataset


class _ClipStream(Sampler):
    """An endless stream of clips that the ranks share: rank r of w takes the positions r, r + w, r + 2w ...

    A clip and its augmentation are a function of the seed and the clip's position in the stream, whatever the number of
    workers. A run that is resumed therefore continues with the clips that it would have had.
    """

    def __init__(self, dataset: Sized, seed: int | None = None) -> None:
        if getattr(dataset, 'test_mode', False):
            raise InputError(f'{type(self).__name__}: the data set is in test mode; set test_mode=False for training')
        self.dataset = dataset
        self.seed = sync_random_seed() if seed is None else seed
        self.rank, self.world_size = get_dist_info()
        self.skipped = 0

    def __iter__(self) -> Iterator[ClipRequest]:
        """Yield this rank's clips without end."""
        for position in itertools.count(self.rank + self.skipped * self.world_size, self.world_size):
            yield ClipRequest(self.choose(position), (self.seed, position))

    @abstractmethod
    def choose(self, position: int) -> int:
        """Index of the video at a position of the stream."""

    def skip(self, num_samples: int) -> None:
        """Begin after ``num_samples`` of this rank's clips. MMEngine calls it when a run is resumed."""
        if num_samples < 0:
            raise InputError(f'{type(self).__name__}.skip({num_samples}): expected a number of clips')
        self.skipped = num_samples

    def __len__(self) -> int:
        """Number of videos, not of clips: the stream has no end."""
        return len(self.dataset)


@DATA_SAMPLERS.register_module()
class ClipSampler(_ClipStream):
    """Clips for training by iterations: every video once, in random order, then again.

    Args:
        dataset: A data set that takes :class:`ClipRequest`.
        seed: The same on all ranks; None to agree on a random one.
    """

    def __init__(self, dataset: Sized, seed: int | None = None) -> None:
        super().__init__(dataset, seed)
        self._turn = -1
        self._order = np.zeros(0, np.int64)

    def choose(self, position: int) -> int:
        """Index of the video at a position of the stream."""
        turn, index = divmod(position, len(self.dataset))
        if turn != self._turn:
            self._turn = turn
            self._order = np.random.default_rng([self.seed, turn]).permutation(len(self.dataset))
        return int(self._order[index])


@DATA_SAMPLERS.register_module()
class JointSampler(_ClipStream):
    """Clips from several data sets in a fixed proportion, whatever their sizes.

    Args:
        dataset: The data sets.
        weights: How often each is drawn from, relative to the others; None for equally often.
        seed: The same on all ranks; None to agree on a random one.
    """

    def __init__(self, dataset: JointDataset, weights: Sequence[float] | None = None, seed: int | None = None) -> None:
        super().__init__(dataset, seed)
        sizes = getattr(dataset, 'sizes', None)
        if sizes is None:
            raise InputError(f'JointSampler: {type(dataset).__name__} is one data set; use ClipSampler with it')
        weights = [1.0] * len(sizes) if weights is None else list(weights)
        if len(weights) != len(sizes) or min(weights) < 0 or sum(weights) <= 0:
            raise InputError(f'JointSampler: weights={weights}, expected {len(sizes)} numbers of 0 or more, not all 0')
        self.sizes = sizes
        self.shares = np.array(weights, np.float64) / sum(weights)

    def choose(self, position: int) -> int:
        """Index of the video at a position of the stream."""
        # Tagged, because (seed, position) is the clip's own seed: its first draw would tell which data set it is from.
        rng = np.random.default_rng([self.seed, position, 1])
        part = int(rng.choice(len(self.sizes), p=self.shares))
        return sum(self.sizes[:part]) + int(rng.integers(self.sizes[part]))


def split_videos(lengths: list[int], parts: int) -> list[list[int]]:
    """Deal videos to ranks so that their numbers of frames are about equal: longest first, each to the one with least.

    Args:
        lengths: Frames of each video.
        parts: Number of ranks.

    Returns:
        For each rank its video indices in ascending order; each video is in exactly one. The same on every rank.
    """
    dealt: list[list[int]] = [[] for _ in range(parts)]
    loads = [0] * parts
    for video in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        rank = loads.index(min(loads))
        dealt[rank].append(video)
        loads[rank] += lengths[video]
    return [sorted(videos) for videos in dealt]


@DATA_SAMPLERS.register_module()
class VideoFrameSampler(Sampler):
    """Frames for testing: a rank gets whole videos, one after the other, frames in order; none twice, none left out.

    Args:
        dataset: A data set in test mode, with ``video_starts`` and ``video_lengths``.
        seed: Not used; MMEngine passes one to every sampler.
    """

    def __init__(self, dataset: Sized, seed: int | None = None) -> None:
        if not getattr(dataset, 'test_mode', False):
            raise InputError(f'VideoFrameSampler: {type(dataset).__name__} hands out clips; set test_mode=True on it')
        rank, world_size = get_dist_info()
        lengths, starts = dataset.video_lengths.tolist(), dataset.video_starts.tolist()
        videos = split_videos(lengths, world_size)[rank]
        self.indices = [starts[video] + frame for video in videos for frame in range(lengths[video])]

    def __iter__(self) -> Iterator[int]:
        """Yield this rank's frame indices."""
        return iter(self.indices)

    def __len__(self) -> int:
        """Number of frames of this rank."""
        return len(self.indices)
