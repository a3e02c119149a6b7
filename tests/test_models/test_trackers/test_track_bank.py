import numpy as np
import pytest
import torch

from mmrcf.errors import InputError
from mmrcf.models.trackers import HungarianTracker, IoUTracker

A, B, C = (0, 10), (12, 22), (24, 34)
X, Y, Z = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]


def angle(degrees: float) -> list[float]:
    return [float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))]


class TestHungarian:
    def test_track_id_follows_the_code_not_the_slot(self, slots, track):
        frames = [slots([A, B], codes=[X, Y]), slots([A, B], codes=[Y, X])]
        assert track(HungarianTracker(), frames) == [[1, 2], [2, 1]]

    def test_unlike_code_starts_a_track(self, slots, track):
        frames = [slots([A, None], codes=[X, Y]), slots([A, None], codes=[Z, Y])]
        assert track(HungarianTracker(), frames) == [[1, None], [2, None]]

    def test_threshold(self, slots, track):
        frames = [slots([A], codes=[angle(0)]), slots([A], codes=[angle(45)])]
        assert track(HungarianTracker(min_similarity=0.70), frames)[-1] == [1]
        assert track(HungarianTracker(min_similarity=0.71), frames)[-1] == [2]

    def test_length_of_a_code_plays_no_part(self, slots, track):
        frames = [slots([A, B], codes=[[9.0, 0.0], [0.0, 0.1]]), slots([A, B], codes=[[0.0, 7.0], [0.1, 0.0]])]
        assert track(HungarianTracker(), frames)[-1] == [2, 1]

    def test_the_sum_counts_not_the_best_pair(self, slots, track):
        # A greedy choice would give slot 0 the track that is 7 degrees away and leave slot 1 with one 70 degrees away.
        frames = [slots([A, B], codes=[angle(0), angle(20)]), slots([A, B], codes=[angle(13), angle(70)])]
        assert track(HungarianTracker(min_similarity=0.0), frames)[-1] == [1, 2]

    def test_a_track_is_found_again_after_an_absence(self, slots, track):
        frames = [slots([A, None], codes=[X, Y]), slots([None, B], codes=[X, Y]), slots([C, A], codes=[Y, X])]
        assert track(HungarianTracker(), frames) == [[1, None], [None, 2], [2, 1]]

    def test_the_last_code_counts(self, slots, track):
        frames = [slots([A], codes=[angle(degrees)]) for degrees in (0, 50, 100)]
        assert track(HungarianTracker(min_similarity=0.5), frames) == [[1], [1], [1]]


class TestIoU:
    def test_track_id_follows_the_mask_not_the_slot(self, slots, track):
        assert track(IoUTracker(), [slots([A, B]), slots([B, A])]) == [[1, 2], [2, 1]]

    def test_no_overlap_starts_a_track(self, slots, track):
        assert track(IoUTracker(), [slots([A, B]), slots([C, B])]) == [[1, 2], [3, 2]]

    def test_overlap_of_exactly_one_half_is_not_enough(self, slots, track):
        assert track(IoUTracker(), [slots([A]), slots([(0, 20)])])[-1] == [2]
        assert track(IoUTracker(), [slots([A]), slots([(0, 19)])])[-1] == [1]

    def test_of_two_claims_the_greater_overlap_wins(self, slots, track):
        assert track(IoUTracker(), [slots([A, None]), slots([(0, 8), (0, 9)])])[-1] == [2, 1]

    def test_the_last_mask_of_a_track_is_kept_through_an_absence(self, slots, track):
        frames = [slots([A, B]), slots([None, B]), slots([B, A])]
        assert track(IoUTracker(), frames)[-1] == [2, 1]


@pytest.mark.parametrize('tracker_class', [HungarianTracker, IoUTracker])
class TestBank:
    def test_track_silent_for_too_long_is_not_continued(self, slots, track, tracker_class):
        frames = [slots([A, B]), slots([None, B]), slots([None, B]), slots([A, B])]
        assert track(tracker_class(max_age=2), frames)[-1] == [1, 2]
        assert track(tracker_class(max_age=1), frames)[-1] == [3, 2]

    def test_duplicates_are_not_shown(self, slots, track, tracker_class):
        frames = [slots([A, A], scores=[0.5, 0.9]), slots([None, A])]
        assert track(tracker_class(duplicate_iou=0.8), frames) == [[None, 1], [None, 1]]

    def test_the_longest_silent_track_makes_room(self, slots, track, tracker_class):
        spans, codes = [A, B, C, (35, 40)], torch.eye(4).tolist()
        frames = [slots([spans[index]], codes=[codes[index]]) for index in (0, 1, 2, 1, 0)]
        # A third track takes the place of the first, which is new again when it comes back.
        assert track(tracker_class(max_tracks=2), frames) == [[1], [2], [3], [2], [4]]
        assert track(tracker_class(max_tracks=3), frames) == [[1], [2], [3], [2], [1]]

    def test_needs_a_track_for_every_slot(self, tracker_class):
        with pytest.raises(InputError, match='max_tracks=3 is less than the 4 slots'):
            tracker_class(max_tracks=3).init_state(4)

    def test_options_out_of_range(self, tracker_class):
        with pytest.raises(InputError, match=f'{tracker_class.__name__}: max_tracks=0'):
            tracker_class(max_tracks=0)
