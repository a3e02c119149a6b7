"""One code path: whole video, frame by frame and interleaved streams agree; the future does not change the past."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmrcf.models.heads import SlotOutputs

SIZE = (32, 48)


def run(model, frames: torch.Tensor):
    """Feed frames (T, 3, H, W) one by one."""
    state, results = model.init_state(), []
    for frame in frames:
        result, state = model.step(frame[None], state, img_shape=SIZE, ori_shape=SIZE)
        results.append(result)
    return results, state


def same(one, other) -> bool:
    return (
        np.array_equal(one.ids, other.ids)
        and np.array_equal(one.labels, other.labels)
        and np.array_equal(one.masks, other.masks)
        and np.allclose(one.class_probs, other.class_probs, atol=1e-5)
    )


def test_whole_video_equals_frame_by_frame(neck, make_model, make_clip_sample) -> None:
    model = make_model(neck)
    frames = torch.randn(5, 3, *SIZE)
    whole = model.predict({'img': frames[None]}, [make_clip_sample(5, *SIZE)])[0]
    stepwise, _ = run(model, frames)
    assert len(whole) == 5
    assert sum(len(result) for result in whole) > 0
    assert all(same(one, other) for one, other in zip(whole, stepwise, strict=True))


def test_training_and_inference_decode_alike(neck, make_model) -> None:
    model = make_model(neck)
    delta = model.neck.num_references
    frames = torch.randn(delta + 2, 3, *SIZE)
    clip = model(inputs={'img': frames[None]}, mode='tensor')
    features = [model.extract_feat(frame[None]) for frame in frames]
    for s in range(2):
        references = [features[delta + s - age][-1] for age in range(1, delta + 1)]
        alone = model.fuse_decode(features[delta + s], references, [(4, 6)])[-1]
        assert torch.allclose(clip.mask_logits[s], alone.mask_logits[0], atol=1e-4)
        assert torch.allclose(clip.cls_logits[s], alone.cls_logits[0], atol=1e-4)


def test_batched_equals_single(neck, make_model) -> None:
    model = make_model(neck)
    clips = torch.randn(3, model.neck.num_references + 2, 3, *SIZE)
    batched = model(inputs={'img': clips}, mode='tensor')
    single = [model(inputs={'img': clip[None]}, mode='tensor') for clip in clips]
    assert torch.allclose(batched.mask_logits, torch.cat([one.mask_logits for one in single]), atol=1e-4)
    assert torch.allclose(batched.cls_logits, torch.cat([one.cls_logits for one in single]), atol=1e-4)


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(1, 5), seed=st.integers(0, 1000))
def test_the_future_does_not_change_the_past(cut, seed, make_model) -> None:
    model = make_model('rcf-no-weight')
    generator = torch.Generator().manual_seed(seed)
    frames = torch.randn(6, 3, *SIZE, generator=generator)
    other = frames.clone()
    other[cut:] = torch.randn(other[cut:].shape, generator=generator)
    before, after = run(model, frames)[0], run(model, other)[0]
    assert all(same(one, two) for one, two in zip(before[:cut], after[:cut], strict=True))


def test_interleaved_streams_do_not_touch(make_model) -> None:
    model = make_model()
    first, second = torch.randn(4, 3, *SIZE), torch.randn(4, 3, *SIZE)
    states, results = [model.init_state(), model.init_state()], [[], []]
    for pair in zip(first, second, strict=True):
        for i, frame in enumerate(pair):
            result, states[i] = model.step(frame[None], states[i], img_shape=SIZE, ori_shape=SIZE)
            results[i].append(result)
    for frames, interleaved in zip((first, second), results, strict=True):
        assert all(same(one, other) for one, other in zip(run(model, frames)[0], interleaved, strict=True))


@pytest.mark.parametrize('neck', ['rcf', 'rcf-no-weight', 'single'])
def test_each_frame_passes_the_backbone_once(neck, make_model, make_clip_sample) -> None:
    model = make_model(neck)
    seen = []
    hook = model.backbone.register_forward_hook(lambda _module, inputs, _output: seen.append(len(inputs[0])))
    run(model, torch.randn(6, 3, *SIZE))
    assert seen == [1] * 6
    seen.clear()
    length = model.neck.num_references + 2
    model.loss({'img': torch.randn(2, length, 3, *SIZE)}, [make_clip_sample(length, *SIZE)] * 2)
    assert sum(seen) == 2 * length
    hook.remove()


def test_the_state_does_not_grow_and_is_never_changed(make_model) -> None:
    model = make_model('rcf-no-weight')
    frames = torch.randn(8, 3, *SIZE)
    _, early = run(model, frames[:4])
    kept = [reference.clone() for reference in early.references]
    result, late = model.step(frames[4][None], early, img_shape=SIZE, ori_shape=SIZE)
    again, _ = model.step(frames[4][None], early, img_shape=SIZE, ori_shape=SIZE)
    assert len(early.references) == len(late.references) == 3
    assert all(torch.equal(one, other) for one, other in zip(kept, early.references, strict=True))
    assert same(result, again)
    assert late.frame_index == 5


def test_the_oldest_frame_stands_in_at_the_start(make_model) -> None:
    model = make_model('rcf-no-weight')
    features = [model.extract_feat(frame[None]) for frame in torch.randn(2, 3, *SIZE)]
    stand_in = [features[0][-1]] * 3
    alone = model.fuse_decode(features[0], [], [(4, 6)])[-1]
    assert torch.equal(alone.mask_logits, model.fuse_decode(features[0], stand_in, [(4, 6)])[-1].mask_logits)
    second = model.fuse_decode(features[1], [features[0][-1]], [(4, 6)])[-1]
    assert torch.equal(second.mask_logits, model.fuse_decode(features[1], stand_in, [(4, 6)])[-1].mask_logits)


@pytest.mark.parametrize('kind', ['target', 'zeros'])
def test_something_else_can_stand_in_for_missing_references(kind: str, make_model) -> None:
    model = make_model('rcf-no-weight')
    first, second = (model.extract_feat(frame[None]) for frame in torch.randn(2, 3, *SIZE))
    model.missing_references = kind
    stand_in = second[-1] if kind == 'target' else torch.zeros_like(second[-1])
    given = model.fuse_decode(second, [first[-1]], [(4, 6)])[-1]
    expected = model.fuse_decode(second, [first[-1], stand_in, stand_in], [(4, 6)])[-1]
    assert torch.equal(given.mask_logits, expected.mask_logits)
    model.missing_references = 'oldest'
    assert not torch.equal(given.mask_logits, model.fuse_decode(second, [first[-1]], [(4, 6)])[-1].mask_logits)


def test_masks_are_made_at_the_size_asked_for(make_model) -> None:
    model = make_model()
    result, _ = model.step(torch.randn(1, 3, 32, 48), model.init_state(), img_shape=(30, 45), ori_shape=(61, 91))
    assert len(result) > 0
    assert result.masks.shape[1:] == (61, 91)
    assert list(result.scores) == sorted(result.scores, reverse=True)
    for mask, box in zip(result.masks, result.boxes, strict=True):
        if mask.any():
            rows, columns = np.nonzero(mask)
            assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_a_model_can_learn_two_frames_by_heart(make_model, make_clip_sample) -> None:
    model = make_model().train()
    frames = torch.zeros(1, 2, 3, *SIZE)
    sample = make_clip_sample(2, *SIZE)
    for t, frame in enumerate(sample.video_data_samples):
        for i, mask in enumerate(frame.gt_instances.masks.masks):
            frames[0, t, i, torch.from_numpy(mask).bool()] = 2.0
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    history = []
    for _ in range(60):
        losses = model.loss({'img': frames}, [sample])
        total = sum(losses.values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        history.append({name: value.item() for name, value in losses.items()})
    assert history[-1]['loss_cls'] < 0.1 * history[0]['loss_cls']
    assert history[-1]['loss_dice'] < 0.5 * history[0]['loss_dice']


def test_what_a_mask_covers_beyond_the_frame_does_not_count(make_model) -> None:
    model = make_model()
    model.score_thr = 0.1
    output, _ = model.decode_frame(torch.randn(1, 3, 32, 48), (), (30, 45))
    masks = torch.full_like(output.mask_logits, -1.0)
    masks[:, :, :, -1] = 1.0  # cells of columns 44 to 47: the frame ends at 45
    inside = type(output)(torch.zeros_like(output.cls_logits), masks, output.codes)
    assert model.slot_predictions(inside, (30, 45), (32, 48)).masks[0, :, -1].all()
    assert not model.slot_predictions(inside, (30, 44), (32, 48)).masks.any()
    assert not model.slot_predictions(inside, (30, 44), (32, 48)).above_thr.any()


def test_a_score_can_count_how_sure_the_mask_is(make_model) -> None:
    """Three slots: sure of four cells, of 0.8 and 0.6 on two, and without a mask. Padding is no part of a mask."""
    logits = torch.full((1, 3, 8, 12), -9.0)
    logits[0, 0, 0, :4] = 50.0
    logits[0, 1, 0, 0], logits[0, 1, 0, 1], logits[0, 1, 0, 11] = math.log(4), math.log(1.5), 50.0
    classes = torch.tensor([[[math.log(3.0), 0.0]] * 3])  # 0.75 and empty
    output = SlotOutputs(cls_logits=classes, mask_logits=logits, codes=torch.zeros(1, 3, 4))
    model = make_model()
    plain = model.slot_predictions(output, (32, 44), (32, 48))
    assert plain.scores.tolist() == pytest.approx([0.75] * 3)
    model.score_masks = True
    slots = model.slot_predictions(output, (32, 44), (32, 48))
    assert slots.scores.tolist() == pytest.approx([0.75, 0.75 * 0.7, 0.0], abs=1e-6)
    assert slots.class_probs[:, 0].tolist() == pytest.approx(slots.scores.tolist())
    assert slots.above_thr.tolist() == [True, True, False]
    foreground = torch.zeros(1, 8, 12)
    foreground[0, 0, :2] = torch.tensor([1.0, 0.5])
    seen = model.slot_predictions(replace(output, foreground=foreground), (32, 44), (32, 48))
    assert seen.scores.tolist() == pytest.approx([0.75 * 0.375, 0.75 * 0.7 * 0.75, 0.0], abs=1e-6)


def test_a_slot_that_its_class_excludes_has_no_mask(make_model) -> None:
    """Three slots with a full mask, of 0.9, 0.6 and 0.2; the mask quality of 0.5 takes the second below 0.4, too."""
    probabilities = torch.tensor([0.9, 0.6, 0.2])
    classes = torch.stack([probabilities, 1 - probabilities], dim=-1).log()[None]
    logits = torch.full((1, 3, 8, 12), 1e-6)  # just in the mask
    output = SlotOutputs(cls_logits=classes, mask_logits=logits, codes=torch.zeros(1, 3, 4))
    model = make_model()
    model.score_masks = True
    slots = model.slot_predictions(output, (32, 48), (32, 48))
    assert slots.masks.flatten(1).float().mean(1).tolist() == [1.0, 1.0, 0.0]
    assert slots.scores.tolist() == pytest.approx([0.45, 0.3, 0.2], abs=1e-5)
    assert slots.above_thr.tolist() == [True, False, False]
    every = model.class_probs(output, torch.ones(3, 8, 12, dtype=torch.bool))
    assert every[:, 0].tolist() == pytest.approx([0.45, 0.3, 0.1], abs=1e-5)


def test_anchors_find_no_tokens_whose_positions_are_part_of_them(make_model) -> None:
    with pytest.raises(ValueError, match="local_content=True needs model.neck.position_mode='attention', got 'tokens'"):
        make_model('rcf-positions-once', num_queries=12, query_grid=True, local_content=True)


def test_widths_that_do_not_fit_are_named(make_model) -> None:
    with pytest.raises(ValueError, match='model.neck.embed_dims=32 and model.head.embed_dims=64 must be equal'):
        make_model(embed_dims=64)
    with pytest.raises(ValueError, match='model.mask_decoder.out_channels=16 and model.head.mask_dims=8 must be equal'):
        make_model(mask_dims=8)


def test_wrong_clips_are_named(make_model, make_clip_sample) -> None:
    model = make_model('rcf-no-weight')
    with pytest.raises(ValueError, match='clips of 3 frames have no target beside the 3 references'):
        model(inputs={'img': torch.randn(1, 3, 3, *SIZE)}, mode='tensor')
    model = make_model(order_supervision=True)
    with pytest.raises(ValueError, match='order_supervision needs clips with at least 2 target frames, got 1'):
        model.loss({'img': torch.randn(1, 2, 3, *SIZE)}, [make_clip_sample(2, *SIZE)])
    with pytest.raises(ValueError, match="mode='train': expected"):
        model(inputs={'img': torch.randn(1, 2, 3, *SIZE)}, mode='train')


def test_the_preprocessor_pads_normalises_and_turns_the_channels(make_model, make_clip_sample) -> None:
    model = make_model()
    clip = torch.zeros(2, 3, 30, 45, dtype=torch.uint8)
    clip[:, 0] = 200
    batch = model.data_preprocessor({'inputs': {'img': [clip]}, 'data_samples': [make_clip_sample(2, 30, 45)]}, True)
    frames = batch['inputs']['img']
    assert frames.shape == (1, 2, 3, 32, 48)
    assert frames[0, 0, :, 0, 0].tolist() == [-2.0, -2.0, 2.0]
    assert torch.all(frames[..., 30:, :] == 0) and torch.all(frames[..., :, 45:] == 0)
    assert batch['data_samples'][0].video_data_samples[0].batch_input_shape == (32, 48)
