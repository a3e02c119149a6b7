import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import BaseDataset

import mmrcf.datasets.samplers as samplers
from mmrcf.datasets import ClipRequest, ClipSampler, JointSampler, VideoFrameSampler
from mmrcf.datasets.samplers import split_videos
from mmrcf.errors import InputError
from mmrcf.registry import DATA_SAMPLERS


class Videos(list):
    test_mode = False


@pytest.fixture
def as_rank(monkeypatch):
    def become(rank, world_size):
        monkeypatch.setattr(samplers, 'get_dist_info', lambda: (rank, world_size))

    return become


def take(sampler, count):
    return list(itertools.islice(sampler, count))


def frames(lengths):
    lengths = np.array(lengths)
    return SimpleNamespace(test_mode=True, video_lengths=lengths, video_starts=np.cumsum(lengths) - lengths)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 100), max_size=30), st.integers(1, 8))
def test_videos_are_dealt_once_and_evenly(lengths, ranks):
    dealt = split_videos(lengths, ranks)
    assert sorted(video for videos in dealt for video in videos) == list(range(len(lengths)))
    assert all(videos == sorted(videos) for videos in dealt)
    loads = [sum(lengths[video] for video in videos) for videos in dealt]
    assert max(loads) - min(loads) <= max(lengths, default=0)
    assert dealt == split_videos(lengths, ranks)


def test_test_frames_come_by_whole_videos_in_order(as_rank):
    lengths = [5, 2, 9, 1, 4]
    dataset = frames(lengths)
    seen = []
    for rank in range(3):
        as_rank(rank, 3)
        sampler = VideoFrameSampler(dataset, seed=4)
        indices = list(sampler)
        assert len(indices) == len(sampler)
        video = np.searchsorted(np.cumsum(lengths), indices, side='right')
        for key in set(video.tolist()):
            places = np.flatnonzero(video == key)
            start = dataset.video_starts[key]
            assert [indices[place] for place in places] == list(range(start, start + lengths[key]))
            assert (np.diff(places) == 1).all()
        seen += indices
    assert sorted(seen) == list(range(21))


def test_more_ranks_than_videos(as_rank):
    as_rank(2, 3)
    assert list(VideoFrameSampler(frames([4, 4]))) == []


def test_training_clips_cover_all_videos_each_turn():
    draws = take(ClipSampler(Videos(range(7)), seed=1), 21)
    turns = [[draw.index for draw in draws[start : start + 7]] for start in (0, 7, 14)]
    assert all(sorted(turn) == list(range(7)) for turn in turns)
    assert turns[0] != turns[1] != turns[2]
    assert len({draw.seed for draw in draws}) == 21
    assert all(isinstance(draw, ClipRequest) for draw in draws)
    assert draws != take(ClipSampler(Videos(range(7)), seed=2), 21)


@pytest.mark.parametrize('make', [ClipSampler, JointSampler])
def test_ranks_share_one_stream_and_resume_in_it(as_rank, make):
    dataset = Videos(range(7))
    dataset.sizes = [3, 4]
    whole = take(make(dataset, seed=5), 30)
    for rank in range(3):
        as_rank(rank, 3)
        assert take(make(dataset, seed=5), 10) == whole[rank::3]
        resumed = make(dataset, seed=5)
        resumed.skip(4)
        assert take(resumed, 6) == whole[rank::3][4:]
        assert len(resumed) == 7
    with pytest.raises(InputError, match='skip'):
        resumed.skip(-1)


def test_joint_sampling_keeps_the_proportion_whatever_the_sizes():
    dataset = Videos(range(1010))
    dataset.sizes = [10, 1000]
    draws = take(JointSampler(dataset, weights=[3, 1], seed=0), 2000)
    indices = np.array([draw.index for draw in draws])
    assert abs((indices < 10).mean() - 0.75) < 0.03
    assert set(indices[indices < 10].tolist()) == set(range(10))
    assert len(set(indices[indices >= 10].tolist())) > 350
    assert all(draw.index >= 10 for draw in take(JointSampler(dataset, weights=[0, 1], seed=0), 50))


def test_the_choice_of_a_data_set_says_nothing_about_the_draws_of_its_clip():
    dataset = Videos(range(20))
    dataset.sizes = [10, 10]
    draws = take(JointSampler(dataset, seed=3), 3000)
    index = np.array([draw.index for draw in draws])
    first = np.array([np.random.default_rng(draw.seed).random() for draw in draws])
    frames = np.array([np.random.default_rng(draw.seed).integers(10) for draw in draws])
    for choice in (index >= 10, index % 10):
        for drawn in (first, frames):
            assert abs(np.corrcoef(choice, drawn)[0, 1]) < 0.06  # a standard deviation is 0.018
    assert [draw.seed for draw in draws[:3]] == [(3, 0), (3, 1), (3, 2)]


@pytest.mark.parametrize('weights', [[1], [1, -1], [0, 0]])
def test_weights_that_do_not_fit_are_named(weights):
    dataset = Videos(range(4))
    dataset.sizes = [2, 2]
    with pytest.raises(InputError, match='weights'):
        JointSampler(dataset, weights=weights, seed=0)


def test_samplers_want_their_kind_of_data_set():
    with pytest.raises(InputError, match='set test_mode=True'):
        VideoFrameSampler(Videos())
    with pytest.raises(InputError, match='test mode'):
        ClipSampler(frames([1]), seed=0)
    with pytest.raises(InputError, match='use ClipSampler'):
        JointSampler(Videos([1]), seed=0)


def test_samplers_build_as_mmengine_builds_them():
    dataset = BaseDataset(lazy_init=True)
    dataset.test_mode = False
    sampler = DATA_SAMPLERS.build(dict(type='ClipSampler'), default_args=dict(dataset=dataset, seed=None))
    assert isinstance(sampler.seed, int)
