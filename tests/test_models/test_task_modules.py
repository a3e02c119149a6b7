"""Targets, matcher and match costs against values worked out by hand (Eq. 3)."""

import pytest
import torch
from fixtures.heads import HUGE, head, left_and_right, logits_of, outputs
from mmengine.structures import InstanceData

from mmrcf.models.layers import COARSE, FINE, anchor_positions, grid_anchors, sine_positions
from mmrcf.models.task_modules import CenterDistanceCost, FrameTargets, SlotMatcher, frame_targets

COSTS = [
    dict(type='mmdet.ClassificationCost', weight=1.0),
    dict(type='mmdet.DiceCost', weight=1.0, pred_act=True, naive_dice=True, eps=1.0),
]


def pairs_of(*frame: torch.Tensor, fixed: dict | None = None, match_costs: list[dict] = COSTS) -> list[tuple[int, int]]:
    """Pairs of slot and object of one frame."""
    matcher = SlotMatcher(match_costs)
    return matcher.assign(matcher.costs(*frame).numpy(), fixed)


def test_the_matcher_minimises_class_and_dice_together() -> None:
    left, right = left_and_right()
    # Slot 0 has the right half's mask, slot 2 the left half's; slot 1 has neither.
    masks = torch.tensor([logits_of(right), logits_of(torch.zeros(2, 2)), logits_of(left)])
    assert pairs_of(torch.zeros(3, 3), masks, torch.tensor([0, 1]), left_and_right()) == [(0, 1), (2, 0)]


def test_a_fixed_pair_stays_whatever_it_costs() -> None:
    left, right = left_and_right()
    masks = torch.tensor([logits_of(right), logits_of(torch.zeros(2, 2)), logits_of(left)])
    found = pairs_of(torch.zeros(3, 3), masks, torch.tensor([0, 1]), left_and_right(), fixed={0: 1})
    assert found == [(0, 1), (1, 0)]


def test_matching_large_masks_under_half_precision_autocast_stays_in_range() -> None:
    # Sums over these masks leave the range of float16 (65504).
    masks = torch.zeros(2, 400, 400)
    masks[0, :, :200], masks[1, :, 200:] = 1.0, 1.0
    costs = [*COSTS, dict(type='mmdet.CrossEntropyLossCost', weight=1.0, use_sigmoid=True)]
    with torch.autocast('cpu', dtype=torch.float16):
        logits = (masks.flip(0) * 2 - 1) * HUGE
        found = pairs_of(torch.zeros(2, 3), logits, torch.tensor([0, 1]), masks, match_costs=costs)
    assert found == [(0, 1), (1, 0)]


def test_more_objects_than_slots_leave_some_unmatched_and_none_is_fine() -> None:
    masks = torch.stack([left_and_right()[0]] * 4)
    found = pairs_of(torch.zeros(2, 3), torch.zeros(2, 2, 2), torch.zeros(4, dtype=torch.long), masks)
    assert [slot for slot, _ in found] == [0, 1] and len({index for _, index in found}) == 2
    nothing = torch.zeros(0, dtype=torch.long), torch.zeros(0, 2, 2)
    assert pairs_of(torch.zeros(2, 3), torch.zeros(2, 2, 2), *nothing) == []


def test_outputs_that_are_not_numbers_are_refused() -> None:
    masks = torch.full((3, 2, 2), float('nan'))
    with pytest.raises(FloatingPointError, match='a matching cost is nan or infinite'):
        pairs_of(torch.zeros(3, 3), masks, torch.tensor([0, 1]), left_and_right())


def test_ground_truth_is_padded_and_averaged(make_clip_sample) -> None:
    frame = make_clip_sample(1, 30, 45).video_data_samples[0]
    targets = frame_targets(frame, (32, 48), 4, torch.device('cpu'))
    assert targets.masks.shape == (2, 8, 12)
    assert targets.masks[0].sum().item() * 16 == frame.gt_instances.masks.masks[0].sum()
    assert targets.track_ids == (1, 2)
    none = frame_targets(make_clip_sample(1, 30, 45, objects=0).video_data_samples[0], (32, 48), 4, torch.device('cpu'))
    assert none.masks.shape == (0, 8, 12)


def test_frame_targets_know_the_padding(make_training_clip) -> None:
    sample = make_training_clip(1, 8, 12)[1].video_data_samples[0]
    assert frame_targets(sample, (8, 12), 4, torch.device('cpu')).valid == 1.0
    valid = frame_targets(sample, (16, 16), 4, torch.device('cpu')).valid
    expected = torch.zeros(4, 4)
    expected[:2, :3] = 1
    assert torch.equal(valid, expected)


class TestGridAnchors:
    def test_anchors_are_spread_over_the_image(self) -> None:
        for number in (1, 5, 10, 20):
            anchors = grid_anchors(number)
            assert anchors.shape == (number, 2) and len(anchors.unique(dim=0)) == number
            assert anchors.mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.06)
            assert (anchors > 0).all() and (anchors < 1).all()

    def test_an_anchor_has_the_position_that_a_token_there_has(self) -> None:
        anchors = torch.tensor([[(row + 0.5) / 3, (column + 0.5) / 4] for row in range(3) for column in range(4)])
        like = torch.empty(1, 16)
        expected = sum(sine_positions([(3, 4)], 3, 4, like, temperature=base)[0] for base in (COARSE, FINE))
        torch.testing.assert_close(anchor_positions(anchors, 16), expected)

    def test_the_cost_is_the_distance_from_the_mask_s_centre(self) -> None:
        left, right = left_and_right()
        anchors = torch.tensor([[0.5, 0.25], [0.5, 1.0], [0.0, 0.25]])
        truth = InstanceData(masks=torch.stack([left, right, torch.zeros(2, 2)]))
        cost = CenterDistanceCost(weight=2.0)(InstanceData(anchors=anchors), truth)
        expected = torch.tensor([[0.0, 1.0, 0.5], [1.5, 0.5, 1.0], [1.0, 2**0.5, 0.3125**0.5 * 2]])
        torch.testing.assert_close(cost, expected)

    def test_objects_go_to_the_queries_nearby(self) -> None:
        costs = [dict(type='mmdet.ClassificationCost', weight=1.0), dict(type='CenterDistanceCost', weight=100.0)]
        module = head(query_grid=True, match_costs=costs)
        middle = torch.argsort(module.anchors[:, 1])
        target = FrameTargets(torch.tensor([0, 1]), left_and_right(), (1, 2))
        output = outputs([[[0.0] * 3] * 3], [[[[0.0] * 2] * 2] * 3])
        (((slots, objects),),) = module.match([output], [target], num_targets=1)
        assert dict(zip(objects.tolist(), slots.tolist(), strict=True)) == {0: int(middle[0]), 1: int(middle[-1])}
        for layer in module.decoder.layers:
            assert torch.equal(layer.cross_attention.key.weight, layer.cross_attention.query.weight)

    def test_the_cost_needs_anchors(self) -> None:
        with pytest.raises(ValueError, match='set query_grid=True'):
            head(match_costs=[dict(type='CenterDistanceCost')])
