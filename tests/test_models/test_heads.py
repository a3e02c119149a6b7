"""Matching and losses against values worked out by hand (Eq. 3 and 4)."""

import math

import pytest
import torch

from mmrcf.models.heads import FPNMaskDecoder, FrameTargets, InstanceQueryHead, SlotMatcher, SlotOutputs, frame_targets

COSTS = [
    dict(type='mmdet.ClassificationCost', weight=1.0),
    dict(type='mmdet.DiceCost', weight=1.0, pred_act=True, naive_dice=True, eps=1.0),
]
HUGE = 50.0


def head(**arguments) -> InstanceQueryHead:
    decoder = dict(num_layers=2, num_heads=2, feedforward_dims=16)
    return InstanceQueryHead(
        **{'num_classes': 2, 'num_queries': 3, 'embed_dims': 8, 'mask_dims': 4, 'decoder': decoder, **arguments}
    )


def outputs(cls_logits, mask_logits) -> SlotOutputs:
    cls_logits = torch.tensor(cls_logits)
    return SlotOutputs(cls_logits, torch.tensor(mask_logits), torch.zeros(*cls_logits.shape[:2], 8))


def left_and_right() -> torch.Tensor:
    """(2, 2, 2): the left column, the right column."""
    return torch.tensor([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])


def logits_of(mask: torch.Tensor) -> list:
    return ((mask * 2 - 1) * HUGE).tolist()


def test_the_matcher_minimises_class_and_dice_together() -> None:
    left, right = left_and_right()
    # Slot 0 has the right half's mask, slot 2 the left half's; slot 1 has neither.
    masks = torch.tensor([logits_of(right), logits_of(torch.zeros(2, 2)), logits_of(left)])
    slots, objects = SlotMatcher(COSTS)(torch.zeros(3, 3), masks, torch.tensor([0, 1]), left_and_right())
    assert slots.tolist() == [0, 2]
    assert objects.tolist() == [1, 0]


def test_a_fixed_pair_stays_whatever_it_costs() -> None:
    left, right = left_and_right()
    masks = torch.tensor([logits_of(right), logits_of(torch.zeros(2, 2)), logits_of(left)])
    slots, objects = SlotMatcher(COSTS)(torch.zeros(3, 3), masks, torch.tensor([0, 1]), left_and_right(), fixed={0: 1})
    assert (slots.tolist(), objects.tolist()) == ([0, 1], [1, 0])


def test_matching_large_masks_under_half_precision_autocast_stays_in_range() -> None:
    # Sums over these masks leave the range of float16 (65504).
    masks = torch.zeros(2, 400, 400)
    masks[0, :, :200], masks[1, :, 200:] = 1.0, 1.0
    costs = [*COSTS, dict(type='mmdet.CrossEntropyLossCost', weight=1.0, use_sigmoid=True)]
    with torch.autocast('cpu', dtype=torch.float16):
        slots, objects = SlotMatcher(costs)(
            torch.zeros(2, 3), (masks.flip(0) * 2 - 1) * HUGE, torch.tensor([0, 1]), masks
        )
    assert (slots.tolist(), objects.tolist()) == ([0, 1], [1, 0])


def test_more_objects_than_slots_leave_some_unmatched_and_none_is_fine() -> None:
    masks = torch.stack([left_and_right()[0]] * 4)
    slots, objects = SlotMatcher(COSTS)(
        torch.zeros(2, 3), torch.zeros(2, 2, 2), torch.zeros(4, dtype=torch.long), masks
    )
    assert len(slots) == len(set(objects.tolist())) == 2
    slots, objects = SlotMatcher(COSTS)(
        torch.zeros(2, 3), torch.zeros(2, 2, 2), torch.zeros(0, dtype=torch.long), torch.zeros(0, 2, 2)
    )
    assert len(slots) == len(objects) == 0


def test_losses_by_hand() -> None:
    left = left_and_right()[0]
    # Slot 0 predicts probability 1 on one of the object's two pixels, and nothing elsewhere; all classes are equally
    # likely.
    mask = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    output = outputs([[[0.0] * 3] * 3], [[logits_of(mask), logits_of(torch.zeros(2, 2)), logits_of(torch.zeros(2, 2))]])
    target = FrameTargets(torch.tensor([1]), left[None], (7,))
    losses = head().loss([output], [target], num_targets=1)
    # -log(1/3) on every slot, weights 1 (matched) and 0.1 (empty) in numerator and denominator alike.
    assert losses['loss_cls'].item() == pytest.approx(math.log(3), abs=1e-5)
    # Dice: 1 - (2 * 1 + 1) / (1 + 2 + 1).
    assert losses['loss_dice'].item() == pytest.approx(0.25, abs=1e-5)
    assert set(losses) == {'loss_cls', 'loss_dice'}


def test_the_empty_class_weighs_a_tenth() -> None:
    left = left_and_right()[0]
    # The matched slot is sure of its class; the two empty slots give the empty class 1 / 2.
    sure, unsure = [HUGE, 0.0, 0.0], [-HUGE, 0.0, 0.0]
    output = outputs([[sure, unsure, unsure]], [[logits_of(left)] + [logits_of(torch.zeros(2, 2))] * 2])
    losses = head().loss([output], [FrameTargets(torch.tensor([0]), left[None], (1,))], num_targets=1)
    assert losses['loss_cls'].item() == pytest.approx(0.2 * math.log(2) / 1.2, abs=1e-5)


def test_mask_cross_entropy_is_an_option() -> None:
    left = left_and_right()[0]
    output = outputs([[[HUGE, 0.0, 0.0]] + [[0.0, 0.0, HUGE]] * 2], [[[[0.0] * 2] * 2] * 3])
    losses = head(loss_mask=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True, loss_weight=2.0)).loss(
        [output], [FrameTargets(torch.tensor([0]), left[None], (1,))], num_targets=1
    )
    assert losses['loss_mask'].item() == pytest.approx(2 * math.log(2), abs=1e-5)


def test_a_frame_without_objects_has_a_class_loss_and_a_zero_mask_loss() -> None:
    logits = torch.zeros(1, 3, 3, requires_grad=True)
    masks = torch.zeros(1, 3, 2, 2, requires_grad=True)
    empty = FrameTargets(torch.zeros(0, dtype=torch.long), torch.zeros(0, 2, 2), ())
    losses = head().loss([SlotOutputs(logits, masks, torch.zeros(1, 3, 8))], [empty], num_targets=1)
    assert losses['loss_dice'].item() == 0.0
    sum(losses.values()).backward()
    assert masks.grad is not None


def test_earlier_layers_are_named_and_matched_on_their_own() -> None:
    left, right = left_and_right()
    right_first = outputs([[[0.0] * 3] * 3], [[logits_of(right), logits_of(left), logits_of(torch.zeros(2, 2))]])
    left_first = outputs([[[0.0] * 3] * 3], [[logits_of(left), logits_of(right), logits_of(torch.zeros(2, 2))]])
    target = FrameTargets(torch.tensor([0, 1]), left_and_right(), (1, 2))
    losses = head().loss([right_first, left_first], [target], num_targets=1)
    assert set(losses) == {'loss_cls', 'loss_dice', 'd0.loss_cls', 'd0.loss_dice'}
    assert losses['loss_dice'].item() == losses['d0.loss_dice'].item() == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize('order_supervision', [True, False])
def test_order_supervision_keeps_the_slot_of_an_identity_within_a_clip(order_supervision) -> None:
    left, right = left_and_right()
    first = [logits_of(left), logits_of(right), logits_of(torch.zeros(2, 2))]
    swapped = [first[1], first[0], first[2]]
    frames = [
        FrameTargets(torch.tensor([0, 0]), left_and_right(), (5, 6)),
        FrameTargets(torch.tensor([0, 0]), left_and_right(), (5, 6)),
        FrameTargets(torch.tensor([0, 0]), left_and_right(), (5, 6)),
    ]
    output = outputs([[[0.0] * 3] * 3] * 3, [first, swapped, swapped])
    pairs = head(order_supervision=order_supervision).match(output, frames[:3], num_targets=3)
    by_frame = [dict(zip(objects.tolist(), slots.tolist(), strict=True)) for slots, objects in pairs]
    assert by_frame[0] == {0: 0, 1: 1}
    assert by_frame[1] == by_frame[2] == ({0: 0, 1: 1} if order_supervision else {0: 1, 1: 0})
    # A new clip starts afresh.
    restarted = head(order_supervision=order_supervision).match(output, frames[:3], num_targets=1)
    assert dict(zip(restarted[1][1].tolist(), restarted[1][0].tolist(), strict=True)) == {0: 1, 1: 0}


def test_masks_are_filters_times_the_segmentation_map(make_model) -> None:
    model = make_model()
    frame = torch.randn(1, 3, 32, 48)
    features = model.extract_feat(frame)
    fused = model.neck(features[-1], [features[-1]], [(4, 6)])
    segmentation_map = model.mask_decoder(fused.target_map, features[:-1])
    output = model.head(fused, segmentation_map)[-1]
    theta = model.head.filters(output.codes[0])
    expected = torch.stack([(theta[i][:, None, None] * segmentation_map[0]).sum(0) for i in range(5)])
    assert torch.allclose(output.mask_logits[0], expected, atol=1e-4)
    assert segmentation_map.shape[-2:] == (8, 12)


def test_ground_truth_is_padded_and_averaged(make_clip_sample) -> None:
    frame = make_clip_sample(1, 30, 45).video_data_samples[0]
    targets = frame_targets(frame, (32, 48), 4, torch.device('cpu'))
    assert targets.masks.shape == (2, 8, 12)
    assert targets.masks[0].sum().item() * 16 == frame.gt_instances.masks.masks[0].sum()
    assert targets.identities == (1, 2)
    none = frame_targets(make_clip_sample(1, 30, 45, objects=0).video_data_samples[0], (32, 48), 4, torch.device('cpu'))
    assert none.masks.shape == (0, 8, 12)


def test_class_weights_must_fit_the_classes() -> None:
    with pytest.raises(ValueError, match=r'class_weight has 2 entries, expected num_classes \+ 1 = 3'):
        head(loss_cls=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=False, class_weight=[1.0, 0.1]))


def test_the_mask_decoder_uses_every_level() -> None:
    decoder = FPNMaskDecoder(in_channels=[4, 8], token_dims=16, embed_dims=8, out_channels=8)
    levels = [torch.randn(1, 4, 16, 20, requires_grad=True), torch.randn(1, 8, 8, 10, requires_grad=True)]
    target_map = torch.randn(1, 16, 4, 5, requires_grad=True)
    decoded = decoder(target_map, levels)
    assert decoded.shape == (1, 8, 16, 20)
    decoded.square().sum().backward()
    assert all(tensor.grad.abs().sum() > 0 for tensor in (*levels, target_map))
