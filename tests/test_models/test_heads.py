"""Losses of the head against values worked out by hand (Eq. 4), and its queries."""

import math

import pytest
import torch
from fixtures.heads import HUGE, head, left_and_right, logits_of, outputs

from mmrcf.models.heads import SlotOutputs
from mmrcf.models.layers import FusedTokens
from mmrcf.models.losses.semantic_loss import SemanticLoss
from mmrcf.models.task_modules import FrameTargets


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


def test_losses_can_be_sums_over_a_frame() -> None:
    """Eq. 4 as it is written: two frames, one with two objects, the other with none."""
    masks = left_and_right()
    nothing = logits_of(torch.zeros(2, 2))
    output = outputs([[[0.0] * 3] * 3] * 2, [[nothing] * 3] * 2)
    objects = FrameTargets(torch.tensor([0, 1]), masks, (1, 2))
    empty = FrameTargets(torch.zeros(0, dtype=torch.long), torch.zeros(0, 2, 2), ())
    losses = head(loss_reduction='sum').loss([output], [objects, empty], num_targets=1)
    # Six slots of -log(1/3), four of them empty with weight 0.1, over two frames.
    assert losses['loss_cls'].item() == pytest.approx((2 + 4 * 0.1) * math.log(3) / 2, abs=1e-5)
    # Dice of an empty mask and an object of two pixels: 1 - 1 / (2 + 1), twice, over two frames.
    assert losses['loss_dice'].item() == pytest.approx(2 / 3, abs=1e-5)
    with pytest.raises(ValueError, match="head.loss_reduction='total'"):
        head(loss_reduction='total')


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
def test_order_supervision_keeps_the_slot_of_a_track_id_within_a_clip(order_supervision) -> None:
    left, right = left_and_right()
    first = [logits_of(left), logits_of(right), logits_of(torch.zeros(2, 2))]
    swapped = [first[1], first[0], first[2]]
    frames = [
        FrameTargets(torch.tensor([0, 0]), left_and_right(), (5, 6)),
        FrameTargets(torch.tensor([0, 0]), left_and_right(), (5, 6)),
        FrameTargets(torch.tensor([0, 0]), left_and_right(), (5, 6)),
    ]
    output = outputs([[[0.0] * 3] * 3] * 3, [first, swapped, swapped])
    (pairs,) = head(order_supervision=order_supervision).match([output], frames[:3], num_targets=3)
    by_frame = [dict(zip(objects.tolist(), slots.tolist(), strict=True)) for slots, objects in pairs]
    assert by_frame[0] == {0: 0, 1: 1}
    assert by_frame[1] == by_frame[2] == ({0: 0, 1: 1} if order_supervision else {0: 1, 1: 0})
    # A new clip starts afresh.
    (restarted,) = head(order_supervision=order_supervision).match([output], frames[:3], num_targets=1)
    assert dict(zip(restarted[1][1].tolist(), restarted[1][0].tolist(), strict=True)) == {0: 1, 1: 0}


def test_layers_and_frames_of_different_sizes_are_matched_each_on_its_own() -> None:
    left, right = left_and_right()
    nothing = torch.zeros(2, 2)
    one, two = [logits_of(nothing), logits_of(left), logits_of(right)], [logits_of(right), logits_of(left)]
    early = outputs([[[0.0] * 3] * 3] * 3, [one, [*two, logits_of(nothing)], one])
    late = outputs([[[0.0] * 3] * 3] * 3, [[*two, logits_of(nothing)], one, one])
    frames = [
        FrameTargets(torch.tensor([0, 0]), torch.stack([left, right]), (5, 6)),
        FrameTargets(torch.tensor([0]), right[None], (6,)),
        FrameTargets(torch.zeros(0, dtype=torch.long), torch.zeros(0, 2, 2), ()),
    ]
    found = head().match([early, late], frames, num_targets=1)
    lists = [[(slots.tolist(), objects.tolist()) for slots, objects in layer] for layer in found]
    assert lists == [[([1, 2], [0, 1]), ([0], [0]), ([], [])], [([0, 1], [1, 0]), ([2], [0]), ([], [])]]


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


def test_class_weights_must_fit_the_classes() -> None:
    with pytest.raises(ValueError, match=r'class_weight has 2 entries, expected num_classes \+ 1 = 3'):
        head(loss_cls=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=False, class_weight=[1.0, 0.1]))


def test_a_slot_in_an_ignored_region_is_neither_right_nor_wrong() -> None:
    left, right = left_and_right()
    # Slot 0 has the object. Slots 1 and 2 are sure of a class; slot 1 covers the ignored half, slot 2 the object.
    sure, wrong = [HUGE, 0.0, 0.0], [math.log(2), 0.0, 0.0]
    masks = [[logits_of(left), logits_of(right), logits_of(left)]]
    labelled = FrameTargets(torch.tensor([0]), left[None], (1,), ignored=right)
    loss = head().loss([outputs([[sure, wrong, sure]], masks)], [labelled], num_targets=1)['loss_cls']
    # The empty class of slot 2 is at -HUGE; slot 1 does not count, so only weights 1 and 0.1 are in the mean.
    assert loss.item() == pytest.approx(0.1 * HUGE / 1.1, rel=1e-4)
    loss = head().loss([outputs([[sure, wrong, wrong]], masks)], [labelled], num_targets=1)['loss_cls']
    assert loss.item() == pytest.approx(0.1 * math.log(4) / 1.1, rel=1e-4)
    everywhere = head(ignored_share=1.0).loss([outputs([[sure, wrong, wrong]], masks)], [labelled], num_targets=1)
    assert everywhere['loss_cls'].item() == pytest.approx(0.2 * math.log(4) / 1.2, rel=1e-4)


def test_a_slot_without_a_mask_claims_nothing_in_an_ignored_region() -> None:
    left = left_and_right()[0]
    empty = logits_of(torch.zeros(2, 2))
    target = FrameTargets(torch.tensor([0]), left[None], (1,), ignored=torch.ones(2, 2))
    sure, wrong = [HUGE, 0.0, 0.0], [math.log(2), 0.0, 0.0]
    loss = head().loss([outputs([[sure, wrong, wrong]], [[logits_of(left), empty, empty]])], [target], num_targets=1)
    assert loss['loss_cls'].item() == pytest.approx(0.2 * math.log(4) / 1.2, rel=1e-4)


def test_padding_is_neither_labelled_nor_ignored() -> None:
    left, right = left_and_right()
    # The right column is padding. Slot 1 covers an ignored cell and the padding: all of it in the image is ignored.
    ignored = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    valid = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    target = FrameTargets(torch.zeros(0, dtype=torch.long), torch.zeros(0, 2, 2), (), valid=valid, ignored=ignored)
    wrong, empty = [math.log(2), 0.0, 0.0], logits_of(torch.zeros(2, 2))
    covering = logits_of(torch.tensor([[1.0, 1.0], [0.0, 1.0]]))
    output = outputs([[[0.0, 0.0, HUGE], wrong, [0.0, 0.0, HUGE]]], [[empty, covering, empty]])
    assert head().loss([output], [target], num_targets=1)['loss_cls'].item() == pytest.approx(0.0, abs=1e-5)
    loss = SemanticLoss(in_channels=1, num_classes=2)
    torch.nn.init.zeros_(loss.classifier.weight)
    torch.nn.init.constant_(loss.classifier.bias, 3.0)
    everywhere = FrameTargets(torch.tensor([0, 1]), torch.stack([left, left]), (1, 2), valid=valid)
    assert loss(torch.zeros(1, 1, 2, 2), [everywhere]).item() == pytest.approx(math.log(1 + math.exp(-3)), rel=1e-4)


def test_an_object_in_an_ignored_region_is_trained_as_ever() -> None:
    left = left_and_right()[0]
    output = outputs([[[0.0] * 3] * 3], [[logits_of(left)] + [logits_of(torch.zeros(2, 2))] * 2])
    everything = torch.ones(2, 2)
    target = FrameTargets(torch.tensor([1]), left[None], (1,), ignored=everything)
    losses = head().loss([output], [target], num_targets=1)
    assert losses['loss_cls'].item() == pytest.approx(math.log(3), abs=1e-5)
    assert losses['loss_dice'].item() == pytest.approx(0.0, abs=1e-5)


def test_the_dense_class_loss_by_hand() -> None:
    left, right = left_and_right()
    loss = SemanticLoss(in_channels=1, num_classes=2, loss_weight=3.0)
    torch.nn.init.zeros_(loss.classifier.weight)
    torch.nn.init.zeros_(loss.classifier.bias)
    segmentation_map = torch.zeros(1, 1, 2, 2)
    target = FrameTargets(torch.tensor([1]), left[None], (1,))
    assert loss(segmentation_map, [target]).item() == pytest.approx(3 * math.log(2), abs=1e-5)
    # Sure that all is class 0: wrong everywhere, except where nobody knows; what lies under the object is known.
    with torch.no_grad():
        loss.classifier.bias.copy_(torch.tensor([4.0, -4.0]))
    unknown = FrameTargets(torch.tensor([1]), left[None], (1,), ignored=torch.ones(2, 2))
    expected = 3 * math.log(1 + math.exp(4))
    assert loss(segmentation_map, [unknown]).item() == pytest.approx(expected, rel=1e-4)
    assert loss(segmentation_map, [target]).item() == pytest.approx(
        3 * (3 * math.log(1 + math.exp(4)) + math.log(1 + math.exp(-4))) / 4, rel=1e-4
    )
    nothing = FrameTargets(torch.zeros(0, dtype=torch.long), torch.zeros(0, 2, 2), (), ignored=torch.ones(2, 2))
    assert loss(segmentation_map, [nothing]).item() == 0.0


def test_a_head_with_a_dense_loss_gives_it_in_training_and_its_foreground_at_inference() -> None:
    module = head(semantic_weight=1.0).train()
    fused = FusedTokens(torch.randn(1, 8, 2, 3), torch.randn(1, 6, 8), torch.randn(1, 6, 8), None)
    left = left_and_right()[0]
    target = FrameTargets(torch.tensor([1]), left[None], (1,))
    assert 'loss_semantic' in module.loss(module(fused, torch.randn(1, 4, 2, 2)), [target], num_targets=1)
    module.eval()
    torch.nn.init.zeros_(module.semantic_loss.classifier.weight)
    module.semantic_loss.classifier.bias.data = torch.tensor([0.0, math.log(3.0)])  # 0.5 and 0.75
    output = module(fused, torch.randn(1, 4, 2, 2))[-1]
    assert output.segmentation_map is None
    torch.testing.assert_close(output.foreground, torch.full((1, 2, 2), 1 - 0.5 * 0.25))


@pytest.mark.parametrize('setting', [dict(semantic_weight=-1.0), dict(ignored_share=0.0)])
def test_settings_out_of_range_are_named(setting: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        head(**setting)


class TestQueriesWithLocalContent:
    def test_a_head_starts_its_queries_from_it(self) -> None:
        module = head(query_grid=True, local_content=True).train()
        fused = FusedTokens(torch.randn(2, 8, 2, 3), torch.randn(2, 6, 8), torch.randn(2, 6, 8), None)
        (output,) = module(fused, torch.randn(2, 4, 2, 2))
        output.cls_logits.sum().backward()
        assert output.cls_logits.shape == (2, 3, 3)
        assert module.local_content.linear.weight.grad.abs().sum() > 0

    def test_it_needs_anchors(self) -> None:
        with pytest.raises(ValueError, match='set query_grid=True'):
            head(local_content=True)
