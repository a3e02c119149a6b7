"""The picture of audio-to-pixel attention: where it lies, its colours, and streams."""

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample

from mmrcf.errors import InputError
from mmrcf.structures import AudioPatch
from mmrcf.visualization import AudioAttention, EncoderAttention, EncoderShares, WeightRecorder, attention_picture
from mmrcf.visualization.encoder_attention import head_colors, head_covariance, principal_heads

FRAME = np.full((60, 90, 3), 100, np.uint8)


def spot(row: int, column: int, heads: int = 4, size: tuple[int, int] = (4, 6)) -> np.ndarray:
    """Each head attends evenly but for one cell, to which the first attends most."""
    maps = np.full((heads, *size), 0.01, np.float32)
    maps[:, row, column] = np.linspace(1.0, 0.5, heads)
    return maps


def changed(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.nonzero(np.abs(picture.astype(int) - 100).max(-1) > 60)


def test_the_tint_is_where_the_attention_is() -> None:
    picture = attention_picture(FRAME, spot(1, 4))
    rows, columns = changed(picture)
    # Cells of 15x15 pixels: the spot is at rows 15 to 30 and columns 60 to 75.
    assert 15 <= rows.mean() < 30 and 60 <= columns.mean() < 75
    np.testing.assert_array_equal(picture[45:], 100)
    assert (FRAME == 100).all() and picture.dtype == np.uint8


def test_padding_of_the_grid_lies_outside_the_frame() -> None:
    maps = spot(1, 3)
    maps[:, 3], maps[:, :, 4:] = 9.0, 9.0  # what stands in the padding does not count
    picture = attention_picture(FRAME, maps, inside=(0.75, 4 / 6))
    rows, columns = changed(picture)
    # 3 x 4 cells are left, of 20 x 22.5 pixels.
    assert 20 <= rows.mean() < 40 and 67 <= columns.mean() <= 90
    clean = spot(1, 3)
    np.testing.assert_array_equal(picture, attention_picture(FRAME, clean, inside=(0.75, 4 / 6)))


def test_a_cell_that_is_partly_frame_counts() -> None:
    """Of 3.5 of 4 rows of cells the frame has a fourth, half of which it shows."""
    picture = attention_picture(np.full((70, 90, 3), 100, np.uint8), spot(3, 0), inside=(0.875, 1.0))
    rows, _ = changed(picture)
    assert 60 <= rows.mean() <= 70


def test_even_attention_leaves_the_frame_alone() -> None:
    np.testing.assert_array_equal(attention_picture(FRAME, np.full((8, 4, 6), 1 / 24)), FRAME)
    np.testing.assert_array_equal(attention_picture(FRAME, np.zeros((8, 4, 6))), FRAME)


def test_twice_the_even_share_is_half_the_opacity() -> None:
    maps = np.full((3, 1, 2), 0.5)
    maps[:, 0] = (1.0, 0.0)
    picture = attention_picture(np.zeros((8, 16, 3), np.uint8), maps, components=np.eye(3), opacity=0.5)
    np.testing.assert_array_equal(picture[0, 0], round(255 * 0.5 * 0.5))
    np.testing.assert_array_equal(picture[0, -1], 0)


def test_grey_frames_and_fewer_than_three_heads() -> None:
    grey = np.full((60, 90), 100, np.uint8)
    np.testing.assert_array_equal(attention_picture(grey, spot(1, 4)), attention_picture(FRAME, spot(1, 4)))
    assert attention_picture(FRAME, spot(1, 4, heads=2)).shape == FRAME.shape
    assert attention_picture(FRAME, spot(0, 0, heads=1, size=(1, 1))).shape == FRAME.shape


def test_components_are_those_of_the_pixels() -> None:
    maps = np.random.default_rng(0).random((8, 5, 7))
    components = principal_heads(head_covariance(maps))
    pixels = maps.reshape(8, -1).T
    _, _, vectors = np.linalg.svd(pixels - pixels.mean(0), full_matrices=False)
    for component, vector in zip(components, vectors[:3], strict=True):
        np.testing.assert_allclose(abs(component @ vector), 1)
        assert component[np.abs(component).argmax()] > 0
    colors = head_colors(maps, components)
    np.testing.assert_allclose(colors.min((0, 1)), 0, atol=1e-6)
    np.testing.assert_allclose(colors.max((0, 1)), 1, atol=1e-6)
    # The sign is a matter of the map, not of the decomposition.
    np.testing.assert_allclose(principal_heads(head_covariance(-maps)), components)


def segment(model, images, valid=True):
    """Frames (H, W, 3) through preprocessor and ``step``, as loops and applications do it; yields after each."""
    state = model.init_state()
    for image in images:
        shape = image.shape[:2]
        sample = TrackDataSample(video_data_samples=[DetDataSample(metainfo=dict(img_shape=shape, ori_shape=shape))])
        clip = torch.from_numpy(image).permute(2, 0, 1)[None]
        batch = model.data_preprocessor(dict(inputs=dict(img=[clip]), data_samples=[sample]), False)
        audio = AudioPatch(torch.ones(1, 96, 64), torch.tensor([valid]))
        _, state = model.step(batch['inputs']['img'][0], state, img_shape=shape, ori_shape=shape, audio=audio)
        yield image


def images(count: int, height: int = 60, width: int = 90) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (height, width, 3), dtype=np.uint8) for _ in range(count)]


@pytest.mark.parametrize('neck', ['rcf', 'full-encoder', 'full-decoder', 'single'])
def test_a_stream(make_audio_visual_model, neck: str) -> None:
    model = make_audio_visual_model(neck)
    with AudioAttention(model) as attention:
        assert attention.maps is None
        pictures = []
        for image in segment(model, images(2)):
            pictures.append(attention.picture(image))
            assert attention.maps.shape == (4, 4, 6)
            assert attention.inside == (60 / 64, 90 / 96)
            assert (pictures[-1] != image).any() and pictures[-1].shape == image.shape
    with AudioAttention(model) as attention:
        again = [attention.picture(image) for image in segment(model, images(2))]
    np.testing.assert_array_equal(pictures, again)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_the_weights_are_those_of_the_newest_audio_token(make_audio_visual_model) -> None:
    model = make_audio_visual_model()
    seen = []
    layer = model.neck.encoder.layers[0].attention
    layer.register_forward_pre_hook(lambda module, args: seen.append(args))
    with AudioAttention(model, layer=0) as attention:
        list(segment(model, images(1)))
        maps = attention.maps
    query, key, _, padding = seen[0]
    query, key = (
        projection(tokens).unflatten(-1, (4, -1)).transpose(1, 2)
        for projection, tokens in ((layer.query, query[:, -1:]), (layer.key, key))
    )
    scores = (query @ key.transpose(-1, -2) / 8**0.5).masked_fill(padding[:, None, None], -torch.inf)
    torch.testing.assert_close(torch.from_numpy(maps).flatten(1), scores.softmax(-1)[0, :, 0, :24])


def test_nothing_is_drawn_without_audio(make_audio_visual_model) -> None:
    model = make_audio_visual_model()
    with AudioAttention(model) as attention:
        for image in segment(model, images(2), valid=False):
            assert attention.maps is None
            np.testing.assert_array_equal(attention.picture(image), image)
        assert attention.picture(image[..., 0]).shape == image.shape


def test_colours_are_those_of_the_stream_so_far(make_audio_visual_model) -> None:
    """The second frame's components take in the first's; both frames alone would give others."""
    model = make_audio_visual_model()
    with AudioAttention(model) as attention:
        maps, pictures = [], []
        for image in segment(model, images(2)):
            maps.append(attention.maps)
            pictures.append(attention.picture(image))
    components = principal_heads(sum(head_covariance(each, attention.inside) for each in maps))
    expected = attention_picture(images(2)[1], maps[1], inside=attention.inside, components=components)
    np.testing.assert_array_equal(pictures[1], expected)


def test_unusable_models_and_layers_are_refused(make_audio_visual_model) -> None:
    with pytest.raises(InputError, match='is visual-only'):
        AudioAttention(make_audio_visual_model(uses_audio=False))
    for layer in (2, -3):
        with pytest.raises(InputError, match=f'layer {layer}'):
            AudioAttention(make_audio_visual_model(), layer=layer)


@pytest.mark.parametrize(
    ('neck', 'origin'),
    [('rcf', 'target'), ('rcf', 'references'), ('full-encoder', 'references'), ('full-decoder', 'target')],
)
def test_maps_are_the_mean_over_the_tokens_that_are_not_padding(make_audio_visual_model, neck, origin) -> None:
    model = make_audio_visual_model(neck)
    seen = []
    model.neck.encoder.layers[-1].attention.register_forward_pre_hook(lambda module, args: seen.append(args))
    with EncoderAttention(model, origin) as attention:
        state = model.init_state()
        for _ in range(2):
            frame = torch.randn(1, 3, 64, 96)
            audio = AudioPatch(torch.ones(1, 96, 64), torch.tensor([True]))
            _, state = model.step(frame, state, img_shape=(30, 96), ori_shape=(30, 96), audio=audio)
        maps = attention.maps
    query, key, _, padding = seen[-1]
    query, key = (
        projection(tokens).unflatten(-1, (4, -1)).transpose(1, 2)
        for projection, tokens in (
            (model.neck.encoder.layers[-1].attention.query, query),
            (model.neck.encoder.layers[-1].attention.key, key),
        )
    )
    weights = (query @ key.transpose(-1, -2) / 8**0.5).masked_fill(padding[:, None, None], -torch.inf).softmax(-1)[0]
    # Of the 4x6 cells the first two rows are image. References: 2x2 tokens, or two frames of such cells; then 3 audio.
    inside = torch.arange(24) < 12
    context = torch.ones(4, dtype=torch.bool) if neck == 'rcf' else torch.cat([inside, inside])
    if neck == 'full-decoder':
        context = context[:0]
    none, audio = (torch.zeros(count, dtype=torch.bool) for count in (24, 3))
    rows = torch.cat([inside, torch.zeros_like(context), audio] if origin == 'target' else [none, context, audio])
    assert maps.shape == (4, 4, 6) and (maps[:, 2:] == 0).all()
    torch.testing.assert_close(torch.from_numpy(maps).flatten(1), weights[:, rows, :24].mean(1))


def test_tokens_that_a_model_does_not_have(make_audio_visual_model) -> None:
    with pytest.raises(InputError, match='no reference frames'):
        EncoderAttention(make_audio_visual_model('single'), 'references')
    model = make_audio_visual_model('full-decoder')
    with EncoderAttention(model, 'references') as attention:
        list(segment(model, images(1)))
        with pytest.raises(InputError, match='do not pass'):
            _ = attention.maps


@pytest.mark.parametrize('neck', ['rcf', 'full-encoder', 'full-decoder', 'single'])
def test_encoder_shares_by_hand(make_audio_visual_model, neck: str) -> None:
    """With zero projections every token gets the same, whatever it holds."""
    model = make_audio_visual_model(neck)
    for layer in model.neck.encoder.layers:
        torch.nn.init.zeros_(layer.attention.query.weight)
    with EncoderShares(model) as shares:
        with pytest.raises(ValueError, match='no frame'):
            shares.summary()
        for _ in segment(model, images(2)):
            shares.add()
    references = {'rcf': 4, 'full-encoder': 48, 'full-decoder': 0, 'single': 0}[neck]
    audio = 1 if neck == 'single' else 3
    expected = np.array([24, references, audio]) / (24 + references + audio)
    summary = shares.summary()
    assert summary.frames == 2 and summary.tokens == (24, references, audio)
    assert summary.even == pytest.approx(expected)
    assert len(summary.target) == 2
    for layer in summary.target:
        assert layer == pytest.approx(expected, abs=1e-6)


def test_the_weight_map_is_that_of_the_neck(make_audio_visual_model) -> None:
    model = make_audio_visual_model()
    torch.nn.init.normal_(model.neck.weight.weight)
    features = []
    model.neck.weight.register_forward_pre_hook(lambda module, args: features.append(args[0]))
    with WeightRecorder(model.neck) as recorder:
        assert recorder.weight is None
        list(segment(model, images(1)))
    expected = model.neck.weight(features[0]).sigmoid()[0, 0]
    torch.testing.assert_close(recorder.weight, expected.detach())
    assert recorder.weight.shape == (4, 6) and 'reference_weight' not in vars(model.neck)
    with pytest.raises(InputError, match='a FullFeatureFusion, has none'):
        WeightRecorder(make_audio_visual_model('full-encoder').neck)
