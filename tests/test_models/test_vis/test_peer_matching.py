"""The two peers with a tracker that matches by similarity: the same objects, and track IDs that follow them."""

import numpy as np
import torch

from mmrcf.apis import init_model

MASKTRACK, MASK2FORMER = 'masktrack-rcnn_r50_ytvis19', 'mask2former-vis_r50_ytvis19'
SHAPES = dict(img_shape=(60, 90), ori_shape=(120, 180))
TRACKER = dict(type='HungarianTracker', max_tracks=40)


def matched(build_peer, peer_config, name: str):
    """A small peer, and the same with our tracker."""
    plain = build_peer(name)
    config = peer_config(name)
    config.model.tracker = TRACKER
    model = init_model(config)
    model.load_state_dict(plain.state_dict())
    return plain, model


def test_queries_of_mask2former_vis_are_followed_whatever_their_number(build_peer, peer_config, make_stream) -> None:
    plain, model = matched(build_peer, peer_config, MASK2FORMER)
    head, state, seen = model.track_head, model.init_state(), {}
    original = [head.query_feat.weight.data.clone(), head.query_embed.weight.data.clone()]
    generator, frame = torch.Generator().manual_seed(0), make_stream(1)
    expected, _ = plain.step(frame, plain.init_state(), **SHAPES)
    for _ in range(4):
        order = torch.randperm(20, generator=generator)
        head.query_feat.weight.data, head.query_embed.weight.data = (weight[order] for weight in original)
        result, state = model.step(frame, state, **SHAPES)
        assert np.array_equal(result.scores, expected.scores) or np.allclose(result.scores, expected.scores, atol=1e-4)
        assert len(result) == len(expected) > 3
        for track_id, slot in zip(result.ids.tolist(), result.queries.tolist(), strict=True):
            seen.setdefault(int(order[slot]), set()).add(track_id)
    assert all(len(track_ids) == 1 for track_ids in seen.values())
    assert state.frame_index == 4 and state.references == ()


def test_it_can_still_be_trained(build_peer, peer_config, make_training_clip) -> None:
    _, model = matched(build_peer, peer_config, MASK2FORMER)
    frames, sample = make_training_clip(2, 64, 96)
    loss, _ = model.train().parse_losses(model.loss({'img': frames}, [sample]))
    assert torch.isfinite(loss)


def test_embeddings_of_masktrack_rcnn_are_followed(build_peer, peer_config, make_stream) -> None:
    plain, model = matched(build_peer, peer_config, MASKTRACK)
    expected, _ = plain.step(make_stream(1), plain.init_state(), **SHAPES)
    state, frames = model.init_state(), []
    for threshold in (0.01, 1.1, 0.01):  # the second frame has no detection
        model.detector.roi_head.test_cfg.score_thr = threshold
        result, state = model.step(make_stream(1), state, **SHAPES)
        frames.append(result)
    first, empty, last = frames
    assert len(first) == len(expected) > 3 and len(empty) == 0
    assert {mask.tobytes() for mask in first.masks} == {mask.tobytes() for mask in expected.masks}
    assert first.ids.tolist() == last.ids.tolist() and np.array_equal(first.masks, last.masks)
    assert state.track.codes.shape[0] == TRACKER['max_tracks']
