"""Frame by frame, peers say what mmdet's own models say, and a stream is a value."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmrcf.models import OnlineModel
from mmrcf.structures import FrameResult, StreamState

MASKTRACK, MASK2FORMER = 'masktrack-rcnn_r50_ytvis19', 'mask2former-vis_r50_ytvis19'
PADDED, VALID, ORIGINAL = (64, 96), (60, 90), (120, 180)


def run(model: OnlineModel, frames: Tensor) -> tuple[list[FrameResult], StreamState]:
    state, results = model.init_state(), []
    for frame in frames:
        result, state = model.step(frame[None], state, img_shape=VALID, ori_shape=ORIGINAL)
        results.append(result)
    return results, state


def sample_of(length: int) -> TrackDataSample:
    scale = (VALID[1] / ORIGINAL[1], VALID[0] / ORIGINAL[0])
    shapes = dict(img_shape=VALID, ori_shape=ORIGINAL, batch_input_shape=PADDED, scale_factor=scale)
    sample = TrackDataSample()
    sample.video_data_samples = [DetDataSample(metainfo=dict(frame_id=index, **shapes)) for index in range(length)]
    return sample


def same(one: FrameResult, other: FrameResult) -> bool:
    names = ('ids', 'labels', 'masks', 'class_probs')
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def assert_the_same_objects(result: FrameResult, objects: InstanceData, track_ids: Sequence[int]) -> None:
    """``result`` holds mmdet's ``objects`` under these track IDs: of each the last one, and none without a pixel."""
    last = {track_id: index for index, track_id in enumerate(track_ids)}
    last = {track_id: index for track_id, index in last.items() if objects.masks[index].any()}
    assert sorted(result.ids.tolist()) == sorted(last)
    for row, track_id in enumerate(result.ids.tolist()):
        index = last[track_id]
        assert np.array_equal(result.masks[row], objects.masks[index].numpy())
        assert result.scores[row] == pytest.approx(objects.scores[index].item(), abs=1e-6)
        assert result.labels[row] == objects.labels[index]


def test_it_says_what_mmdet_s_own_model_says(counterparts, make_stream) -> None:
    frames = make_stream(4)
    results, _ = run(counterparts.ours, frames)
    assert sum(len(result) for result in results) > 10
    with torch.no_grad():
        for index, result in enumerate(results):
            if counterparts.name == MASKTRACK:
                (sample,) = counterparts.theirs.predict(frames[None, : index + 1], [sample_of(index + 1)])
                objects = sample[index].pred_track_instances
                track_ids = (objects.instances_id + 1).tolist()
            else:
                (sample,) = counterparts.theirs.predict(frames[None, index : index + 1], [sample_of(1)])
                objects = sample[0].pred_track_instances
                objects, track_ids = by_query(counterparts.theirs, frames[index], objects)
            assert_the_same_objects(result, objects, track_ids)


def by_query(model: nn.Module, frame: Tensor, objects: InstanceData) -> tuple[InstanceData, list[int]]:
    """What mmdet's Mask2Former finds in a frame, worst first, and for each the number of its query, from 1 on."""
    logits = model.track_head(model.backbone(frame[None]), None)[0][-1][0]
    pairs = logits.softmax(-1)[:, :-1].flatten().topk(len(objects), sorted=False).indices
    order = objects.scores.argsort()
    return objects[order], (pairs[order] // model.num_classes + 1).tolist()


def test_whole_video_equals_frame_by_frame(counterparts, make_stream) -> None:
    frames = make_stream(3)
    whole = counterparts.ours(inputs={'img': frames[None]}, data_samples=[sample_of(3)], mode='predict')[0]
    assert all(same(one, other) for one, other in zip(whole, run(counterparts.ours, frames)[0], strict=True))


def test_interleaved_streams_do_not_touch(counterparts, make_stream) -> None:
    clips = make_stream(3), make_stream(3, seed=1)
    states, results = [counterparts.ours.init_state(), counterparts.ours.init_state()], [[], []]
    for pair in zip(*clips, strict=True):
        for index, frame in enumerate(pair):
            result, states[index] = counterparts.ours.step(
                frame[None], states[index], img_shape=VALID, ori_shape=ORIGINAL
            )
            results[index].append(result)
    for frames, interleaved in zip(clips, results, strict=True):
        assert all(same(one, other) for one, other in zip(run(counterparts.ours, frames)[0], interleaved, strict=True))


def test_a_step_leaves_the_state_it_is_given_as_it_was(counterparts, make_stream) -> None:
    frames = make_stream(4)
    _, state = run(counterparts.ours, frames[:2])
    first, after = counterparts.ours.step(frames[2][None], state, img_shape=VALID, ori_shape=ORIGINAL)
    counterparts.ours.step(frames[3][None], after, img_shape=VALID, ori_shape=ORIGINAL)
    again, _ = counterparts.ours.step(frames[2][None], state, img_shape=VALID, ori_shape=ORIGINAL)
    assert same(first, again)
    assert (state.frame_index, after.frame_index) == (2, 3)


def test_what_is_kept_of_tracks_is_bounded(build_peer, make_stream) -> None:
    model = build_peer(MASKTRACK)
    model.tracker.num_frames_retain = 3
    for length in (4, 8):
        _, state = run(model, make_stream(length))
        tracks, most = list(state.track.tracks.values()), model.detector.test_cfg.rcnn.max_per_img
        assert 0 < len(tracks) <= 3 * most
        assert all(length - int(track['frame_ids'][-1]) <= 3 for track in tracks)
        assert sum(len(track['roi_feats']) for track in tracks) <= len(tracks) + most
        assert sum(len(track['masks']) for track in tracks) <= most
    assert not model.tracker.tracks


def test_a_track_id_stands_for_one_object_of_a_frame(build_peer, make_stream, monkeypatch) -> None:
    """mmdet's tracker gives one number to two detections where the second fits better."""
    model = build_peer(MASKTRACK)
    plain, _ = model.step(make_stream(1), model.init_state(), img_shape=VALID, ori_shape=ORIGINAL)
    track = type(model.tracker).track

    def two_of_each(self, **arguments) -> InstanceData:
        objects = track(self, **arguments)
        objects.instances_id = objects.instances_id // 2
        return objects

    monkeypatch.setattr(type(model.tracker), 'track', two_of_each)
    result, _ = model.step(make_stream(1), model.init_state(), img_shape=VALID, ori_shape=ORIGINAL)
    assert len(result) > 1
    masks = dict(zip(plain.ids.tolist(), plain.masks, strict=True))
    for track_id, mask in zip(result.ids.tolist(), result.masks, strict=True):
        last = max(number for number in (2 * track_id - 1, 2 * track_id) if number in masks)
        assert np.array_equal(mask, masks[last])


def test_a_frame_without_objects_goes_by(build_peer, make_stream) -> None:
    model = build_peer(MASKTRACK)
    _, seen = run(model, make_stream(1))
    model.detector.roi_head.test_cfg.score_thr = 1.1
    for state in (model.init_state(), seen):
        result, after = model.step(make_stream(1), state, img_shape=VALID, ori_shape=ORIGINAL)
        assert len(result) == 0 and result.masks.shape == (0, *ORIGINAL) and result.class_probs.shape == (0, 8)
        assert after.track.tracks.keys() == state.track.tracks.keys()


def test_a_longer_clip_keeps_features_and_sees_its_frames_together(build_peer, make_stream) -> None:
    model = build_peer(MASK2FORMER)
    model.clip_length = 3
    frames, passed = make_stream(4), []
    hook = model.backbone.register_forward_hook(lambda _module, inputs, _output: passed.append(len(inputs[0])))
    results, state = run(model, frames)
    hook.remove()
    assert passed == [1] * 4
    assert len(state.references) == 2
    with torch.no_grad():
        class_logits, _ = model.track_head(model.backbone(frames[1:]), None)
    class_probs = class_logits[-1][0].softmax(-1)[:, :-1].numpy()
    assert np.allclose(results[-1].class_probs, class_probs[results[-1].queries], atol=1e-4)
