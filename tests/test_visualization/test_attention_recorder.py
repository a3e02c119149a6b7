"""Recorded attention is what the module used, and recording changes nothing."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from mmrcf.errors import InputError
from mmrcf.models.layers import FusedTokens, MultiheadAttention, TokenGroup
from mmrcf.models.necks import SingleFrame
from mmrcf.visualization import AttentionRecorder, AttentionShares
from mmrcf.visualization.attention_recorder import LayoutRecorder, TokenLayout

TARGET_TOKENS = 4 * 6
REFERENCE_TOKENS = {'rcf': 4, 'full-encoder': 2 * TARGET_TOKENS, 'full-decoder': 2 * TARGET_TOKENS, 'single': 0}
NECKS = sorted(REFERENCE_TOKENS)


def hooks_of(model: torch.nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


def assert_same_results(results, expected) -> None:
    for result, other in zip(results, expected, strict=True):
        for field in fields(result):
            if field.name != 'timings':
                np.testing.assert_array_equal(getattr(result, field.name), getattr(other, field.name), field.name)


@pytest.mark.parametrize('keywords', [False, True])
def test_the_weights_give_the_output_of_the_module(keywords: bool) -> None:
    module = MultiheadAttention(16, 4)
    query, key, value = torch.randn(2, 3, 16), torch.randn(2, 7, 16), torch.randn(2, 7, 16)
    padding = torch.zeros(2, 7, dtype=torch.bool)
    padding[1, 4:] = True
    with AttentionRecorder({'it': module}) as recorder:
        if keywords:
            output = module(query=query, key=key, value=value, padding=padding)
        else:
            output = module(query, key, value, padding)
    weights = recorder.weights['it']
    assert weights.shape == (2, 4, 3, 7) and weights.dtype == torch.float32 and not weights.requires_grad
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 3))
    assert (weights[1, ..., 4:] == 0).all() and (weights[0] > 0).all()
    heads = module.value(value).unflatten(-1, (4, -1)).transpose(1, 2)
    torch.testing.assert_close(module.out((weights @ heads).transpose(1, 2).flatten(2)), output)


def test_only_the_queries_that_were_asked_for() -> None:
    module, tokens = MultiheadAttention(16, 4), torch.randn(1, 7, 16)
    with AttentionRecorder({'all': module}) as everything, AttentionRecorder({'it': module}, slice(-1, None)) as last:
        module(tokens, tokens, tokens)
    torch.testing.assert_close(last.weights['it'], everything.weights['all'][:, :, -1:])


def test_half_precision_is_summed_in_single() -> None:
    module, tokens = MultiheadAttention(16, 4), torch.randn(1, 700, 16)
    with AttentionRecorder({'it': module}) as recorder, torch.autocast('cpu', torch.bfloat16):
        module(tokens, tokens, tokens)
    torch.testing.assert_close(recorder.weights['it'].sum(-1), torch.ones(1, 4, 700), rtol=0, atol=1e-5)


def test_gradients_pass_as_without_recording() -> None:
    module, tokens = MultiheadAttention(16, 4, dropout=0.5), torch.randn(1, 5, 16, requires_grad=True)
    torch.manual_seed(3)
    module(tokens, tokens, tokens).sum().backward()
    expected, tokens.grad = tokens.grad, None
    torch.manual_seed(3)
    with AttentionRecorder({'it': module}):
        module(tokens, tokens, tokens).sum().backward()
    assert torch.equal(tokens.grad, expected)


@pytest.mark.parametrize('neck', NECKS)
def test_recording_changes_no_bit_and_leaves_nothing_behind(make_audio_visual_model, run_stream, neck: str) -> None:
    model, has_audio = make_audio_visual_model(neck), [True, False, True]
    before, attributes = hooks_of(model), {name: set(vars(module)) for name, module in model.named_modules()}
    expected = run_stream(model, has_audio)
    with AttentionShares(model) as shares:
        recorded = run_stream(model, has_audio, lambda result: shares.add(result.queries))
        assert hooks_of(model) > before
    assert_same_results(recorded, expected)
    assert hooks_of(model) == before
    assert {name: set(vars(module)) for name, module in model.named_modules()} == attributes


def test_hooks_go_when_the_block_fails(make_audio_visual_model) -> None:
    model = make_audio_visual_model()
    with pytest.raises(RuntimeError, match='on purpose'), AttentionShares(model):
        raise RuntimeError('on purpose')
    assert hooks_of(model) == 0


@pytest.mark.parametrize('neck', NECKS)
def test_audio_tokens_are_found_in_every_neck(make_audio_visual_model, run_stream, neck: str) -> None:
    model = make_audio_visual_model(neck)
    count = 1 + model.neck.num_references
    with LayoutRecorder(model.neck) as recorder:
        run_stream(model, [True])
    layout = recorder.layout
    assert layout.target_shape == (4, 6) and layout.has_audio
    assert layout.audio.stop - layout.audio.start == count
    # In the neck that fuses in the decoder, the references come after the audio.
    first = TARGET_TOKENS if neck == 'full-decoder' else TARGET_TOKENS + REFERENCE_TOKENS[neck]
    assert layout.audio.start == first
    assert layout.padding.shape == (1, TARGET_TOKENS + REFERENCE_TOKENS[neck] + count)
    with LayoutRecorder(model.neck) as recorder:
        run_stream(model, [True, False])
    assert not recorder.layout.has_audio
    assert recorder.layout.padding[0, recorder.layout.audio].any()


def test_a_neck_that_moves_the_audio_tokens_is_named(make_audio_visual_model) -> None:
    class Moving(SingleFrame):
        def forward(self, target, references, extents, extra=None) -> FusedTokens:
            return super().forward(
                target, references, extents, TokenGroup(extra.tokens, extra.positions + 1, extra.padding)
            )

    neck = Moving(8, 16, dict(num_layers=1, num_heads=2, feedforward_dims=8))
    extra = TokenGroup(torch.randn(1, 2, 16), torch.randn(1, 2, 16), None)
    with pytest.raises(InputError, match='neck Moving'), LayoutRecorder(neck):
        neck(torch.randn(1, 8, 2, 3), [], [(2, 3)], extra)


def test_shares_by_hand() -> None:
    layout = TokenLayout((1, 2), slice(2, 4), torch.zeros(1, 5, dtype=torch.bool))
    weights = torch.tensor([0.1, 0.2, 0.25, 0.15, 0.3])
    torch.testing.assert_close(layout.shares(weights), torch.tensor([0.3, 0.3, 0.4]))


def test_attention_shares_by_hand(make_audio_visual_model, run_stream) -> None:
    """Values of no effect on the keys: with zero projections every token gets the same, whatever it holds."""
    model = make_audio_visual_model()
    for layer in model.head.decoder.layers:
        torch.nn.init.zeros_(layer.cross_attention.query.weight)
    objects = []

    def add(result) -> None:
        objects.append(len(result))
        shares.add(result.queries)

    with AttentionShares(model) as shares:
        run_stream(model, [True, False], add)
    summary = shares.summary()
    assert (summary.frames, summary.frames_with_audio, summary.objects) == (2, 1, sum(objects))
    # 24 target, 4 reference and 3 audio tokens, all attended to at first; then the newest audio is missing.
    first, second = np.array([24, 4, 3]) / 31, np.array([24, 4, 2]) / 30
    np.testing.assert_allclose(summary.even, (first + second) / 2, atol=1e-6)
    for layer in summary.queries:
        np.testing.assert_allclose(layer, (first + second) / 2, atol=1e-6)
    for layer in summary.active:
        np.testing.assert_allclose(layer, (objects[0] * first + objects[1] * second) / sum(objects), atol=1e-6)


def test_attention_shares_of_layers_and_active_queries(make_audio_visual_model, run_stream) -> None:
    model = make_audio_visual_model()
    with AttentionShares(model) as shares, pytest.raises(ValueError, match='no frame'):
        shares.summary()
    with AttentionShares(model) as shares:
        run_stream(model, [True] * 2, lambda _: shares.add([0, 2]))
        weights = torch.stack([shares._layers.weights[str(layer)][0] for layer in range(2)])
    summary = shares.summary()
    assert len(summary.queries) == len(summary.active) == 2
    for rows in (summary.queries, summary.active, [summary.even]):
        np.testing.assert_allclose(np.sum(rows, axis=1), 1, atol=1e-6)
    assert summary.objects == 4 and summary.active != summary.queries
    with AttentionShares(model) as shares:
        run_stream(model, [True] * 2)
        shares.add([0, 2])
    expected = weights[..., 28:].sum(-1).mean(1)  # (layers, N)
    np.testing.assert_allclose(np.array(shares.summary().active)[:, 2], expected[:, [0, 2]].mean(1), atol=1e-6)
    np.testing.assert_allclose(np.array(shares.summary().queries)[:, 2], expected.mean(1), atol=1e-6)


def test_a_visual_only_model_has_no_audio_share(make_audio_visual_model, run_stream) -> None:
    model = make_audio_visual_model(uses_audio=False)
    with AttentionShares(model) as shares:
        run_stream(model, [True], lambda result: shares.add(result.queries))
    summary = shares.summary()
    assert summary.frames_with_audio == 0 and summary.even == pytest.approx((24 / 28, 4 / 28, 0))
    assert all(audio == 0 for _, _, audio in summary.queries)
