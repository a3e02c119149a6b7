"""Audio-visual models: one code path for clips and streams, what counts as silence, and what is not encoded twice."""

import numpy as np
import pytest
import torch

from mmrcf.errors import InputError
from mmrcf.models.audio_encoders.streaming import stream_tokens
from mmrcf.registry import MODELS
from mmrcf.structures import AudioMemory, AudioPatch

SIZE = (32, 48)


def encoder_config(num_references: int, **changes: object) -> dict:
    return (
        dict(type='SmallAudioEncoder', num_references=num_references, embed_dims=32, feature_dims=16, lstm_dims=8)
        | changes
    )


@pytest.fixture
def make_audio_visual(make_model):
    def make(neck: str = 'rcf', **changes: object):
        model = make_model(neck)
        torch.manual_seed(1)
        model.audio_encoder = MODELS.build(encoder_config(model.neck.num_references, **changes))
        # Loud from the start, so that a test sees whether audio arrives.
        torch.nn.init.normal_(model.audio_encoder.projection[-1].weight)
        return model.eval()

    return make


def run(model, frames: torch.Tensor, patches: list[AudioPatch | None]):
    state, results = model.init_state(), []
    for frame, patch in zip(frames, patches, strict=True):
        result, state = model.step(frame[None], state, img_shape=SIZE, ori_shape=SIZE, audio=patch)
        results.append(result)
    return results, state


def patches_of(audio: torch.Tensor, valid: torch.Tensor) -> list[AudioPatch]:
    return [AudioPatch(patch[None], flag[None]) for patch, flag in zip(audio, valid, strict=True)]


def probabilities(results) -> np.ndarray:
    return np.concatenate([result.class_probs.ravel() for result in results])


def test_whole_video_equals_frame_by_frame(neck, make_audio_visual, make_clip_sample) -> None:
    model = make_audio_visual(neck)
    frames, audio = torch.randn(5, 3, *SIZE), torch.randn(5, 96, 64)
    valid = torch.tensor([False, True, True, False, True])
    inputs = {'img': frames[None], 'audio': audio[None], 'audio_valid': valid[None]}
    whole = model.predict(inputs, [make_clip_sample(5, *SIZE)])[0]
    stepwise, _ = run(model, frames, patches_of(audio, valid))
    assert sum(len(result) for result in whole) > 0
    for one, other in zip(whole, stepwise, strict=True):
        assert np.array_equal(one.masks, other.masks)
        assert np.array_equal(one.class_probs, other.class_probs)


def test_clips_and_streams_decode_alike(neck, make_audio_visual) -> None:
    model = make_audio_visual(neck)
    delta = model.neck.num_references
    length = delta + 3
    frames, audio = torch.randn(2, length, 3, *SIZE), torch.randn(2, length, 96, 64)
    valid = torch.rand(2, length) > 0.3
    clips = model(inputs={'img': frames, 'audio': audio, 'audio_valid': valid}, mode='tensor')
    for clip in range(2):
        references, memory = (), AudioMemory()
        for t, patch in enumerate(patches_of(audio[clip], valid[clip])):
            tokens, memory = stream_tokens(model.audio_encoder, patch, memory)
            output, feature = model.decode_frame(frames[clip, t][None], references, SIZE, tokens)
            references = model.newest_references(feature, references)
            if t >= delta:
                index = clip * 3 + t - delta
                assert torch.allclose(clips.cls_logits[index], output.cls_logits[0], atol=1e-4)
                assert torch.allclose(clips.mask_logits[index], output.mask_logits[0], atol=1e-4)


def test_audio_matters_and_invalid_audio_does_not(make_audio_visual) -> None:
    model = make_audio_visual()
    frames = torch.randn(4, 3, *SIZE)
    first, second = torch.randn(4, 96, 64), torch.randn(4, 96, 64)
    known, unknown = torch.ones(4, dtype=torch.bool), torch.zeros(4, dtype=torch.bool)
    a, _ = run(model, frames, patches_of(first, known))
    b, _ = run(model, frames, patches_of(second, known))
    assert [len(result) for result in a] != [len(result) for result in b] or not np.allclose(
        probabilities(a), probabilities(b), atol=1e-3
    )
    c, _ = run(model, frames, patches_of(first, unknown))
    d, _ = run(model, frames, [None] * 4)
    assert np.array_equal(probabilities(c), probabilities(d))


def test_later_audio_does_not_change_the_past(make_audio_visual) -> None:
    model = make_audio_visual('rcf-depthwise')
    frames, audio = torch.randn(5, 3, *SIZE), torch.randn(5, 96, 64)
    valid = torch.ones(5, dtype=torch.bool)
    before, _ = run(model, frames, patches_of(audio, valid))
    after, _ = run(model, frames, patches_of(torch.cat([audio[:3], torch.randn(2, 96, 64)]), valid))
    assert np.array_equal(probabilities(before[:3]), probabilities(after[:3]))
    assert not np.array_equal(probabilities(before[3:]), probabilities(after[3:]))


def test_each_patch_is_encoded_once(make_audio_visual, monkeypatch) -> None:
    model = make_audio_visual('rcf-no-weight')
    seen = []
    encode = model.audio_encoder.encode
    monkeypatch.setattr(model.audio_encoder, 'encode', lambda log_mel: (seen.append(len(log_mel)), encode(log_mel))[1])
    patches = patches_of(torch.randn(6, 96, 64), torch.ones(6, dtype=torch.bool))
    _, state = run(model, torch.randn(6, 3, *SIZE), patches)
    assert seen == [1] * 6
    assert len(state.audio_memory.features) == len(state.audio_memory.valid) == model.neck.num_references


def test_interleaved_streams_do_not_touch(make_audio_visual) -> None:
    model = make_audio_visual()
    frames, audio = torch.randn(2, 4, 3, *SIZE), torch.randn(2, 4, 96, 64)
    valid = torch.ones(4, dtype=torch.bool)
    alone = [run(model, frames[i], patches_of(audio[i], valid))[0] for i in range(2)]
    states, mixed = [model.init_state(), model.init_state()], [[], []]
    for t in range(4):
        for i in range(2):
            patch = AudioPatch(audio[i, t][None], valid[t][None])
            result, states[i] = model.step(frames[i, t][None], states[i], img_shape=SIZE, ori_shape=SIZE, audio=patch)
            mixed[i].append(result)
    for i in range(2):
        assert np.array_equal(probabilities(alone[i]), probabilities(mixed[i]))


@pytest.mark.parametrize('with_audio', [True, False])
def test_a_training_step_reaches_every_audio_parameter(with_audio, make_audio_visual, make_clip_sample) -> None:
    """Without audio in the batch the gradients are zero but there: ranks with and without audio train together."""
    model = make_audio_visual().train()
    inputs = {'img': torch.randn(2, 2, 3, *SIZE)}
    if with_audio:
        inputs |= {'audio': torch.randn(2, 2, 96, 64), 'audio_valid': torch.ones(2, 2, dtype=torch.bool)}
    losses = model.loss(inputs, [make_clip_sample(2, *SIZE), make_clip_sample(2, *SIZE)])
    sum(losses.values()).backward()
    gradients = {name: parameter.grad for name, parameter in model.audio_encoder.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    assert (gradients['network.0.weight'].abs().sum() > 0) == with_audio


@pytest.mark.parametrize('has_audio', [(0, 0, 0), (1, 0, 1), (0, 1, 1)])
def test_frames_with_and_without_audio_mix_under_autocast(make_audio_visual, has_audio) -> None:
    model = make_audio_visual('rcf-no-weight')
    frames, patch = torch.randn(3, 3, *SIZE), AudioPatch(torch.randn(1, 96, 64), torch.ones(1, dtype=torch.bool))
    patches = [patch if flag else None for flag in has_audio]
    exact, _ = run(model, frames, patches)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        rounded, _ = run(model, frames, patches)
    assert len(rounded) == len(exact) == 3


def test_a_visual_only_model_ignores_audio(make_model) -> None:
    model = make_model()
    assert not model.uses_audio
    frames = torch.randn(3, 3, *SIZE)
    one, state = run(model, frames, [None] * 3)
    other, _ = run(model, frames, patches_of(torch.randn(3, 96, 64), torch.ones(3, dtype=torch.bool)))
    assert np.array_equal(probabilities(one), probabilities(other))
    assert state.audio_memory.features == ()


def test_the_encoder_must_fit_the_neck(tiny_config) -> None:
    from mmrcf.apis import init_model

    for key, value in (('num_references', 2), ('embed_dims', 16)):
        options = {'model.audio_encoder': encoder_config(1) | {key: value}}
        with pytest.raises(InputError, match=rf'neck.{key}=\d+ and model.audio_encoder.{key}={value}'):
            init_model(tiny_config, cfg_options=options)
