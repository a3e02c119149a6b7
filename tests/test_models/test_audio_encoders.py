"""Audio encoders: one contract for all that are registered, and the layout of the public VGGish weights."""

import pytest
import torch
from mmengine.config import Config
from mmengine.runner.checkpoint import CheckpointLoader

from mmrcf.errors import InputError
from mmrcf.models.audio_encoders import BaseAudioEncoder, VGGish, load_vggish
from mmrcf.registry import MODELS

ENCODERS = sorted(
    name for name, part in MODELS.module_dict.items() if isinstance(part, type) and issubclass(part, BaseAudioEncoder)
)


def public_vggish_weights() -> dict[str, torch.Tensor]:
    """Random weights under the names and shapes of the public PyTorch VGGish file."""
    shapes = {
        'features.0': (64, 1, 3, 3),
        'features.3': (128, 64, 3, 3),
        'features.6': (256, 128, 3, 3),
        'features.8': (256, 256, 3, 3),
        'features.11': (512, 256, 3, 3),
        'features.13': (512, 512, 3, 3),
        'embeddings.0': (4096, 12288),
        'embeddings.2': (4096, 4096),
        'embeddings.4': (128, 4096),
    }
    weights = {}
    for name, shape in shapes.items():
        weights[f'{name}.weight'] = torch.randn(shape) * 0.01
        weights[f'{name}.bias'] = torch.randn(shape[0]) * 0.01
    return weights


@pytest.fixture(scope='module')
def vggish_file(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('vggish') / 'vggish.pth'
    torch.save(public_vggish_weights(), path)
    return path


@pytest.fixture(scope='module', params=ENCODERS)
def encoder(request):
    torch.manual_seed(0)
    return MODELS.build(dict(type=request.param, num_references=2, embed_dims=32, lstm_dims=16)).eval()


def test_there_are_encoders() -> None:
    assert {'SmallAudioEncoder', 'VGGishLSTM'} <= set(ENCODERS)


@torch.no_grad()
def test_contract(encoder) -> None:
    patches = torch.randn(6, 96, 64)
    features = encoder.encode(patches)
    assert features.shape == (6, encoder.feature_dims)
    assert torch.allclose(encoder.encode(patches[2:3]), features[2:3], atol=1e-4)
    valid = torch.tensor([[True, True, True], [False, True, False]])
    group = encoder(features.view(2, 3, -1), valid)
    assert group.tokens.shape == group.positions.shape == (2, 3, 32)
    assert torch.equal(group.padding, ~valid)
    changed = features.view(2, 3, -1).clone()
    changed[1, 0] += 1.0
    assert torch.equal(encoder(changed, valid).tokens, group.tokens)
    with pytest.raises(ValueError, match='expected 1 \\+ delta = 3'):
        encoder(features.view(3, 2, -1), torch.ones(3, 2, dtype=torch.bool))


@torch.no_grad()
def test_a_causal_lstm_does_not_look_ahead() -> None:
    features = torch.randn(1, 3, 16)
    later = features.clone()
    later[:, 2] += 1.0
    for bidirectional in (False, True):
        torch.manual_seed(0)
        encoder = MODELS.build(
            dict(type='SmallAudioEncoder', num_references=2, embed_dims=32, feature_dims=16, lstm_dims=8)
            | dict(bidirectional=bidirectional)
        )
        valid = torch.ones(1, 3, dtype=torch.bool)
        one, other = (encoder(each, valid).tokens for each in (features, later))
        assert torch.equal(one[:, :2], other[:, :2]) == (not bidirectional)


@torch.no_grad()
def test_public_vggish_weights_load_unchanged(vggish_file) -> None:
    network = VGGish()
    load_vggish(network, vggish_file)
    stored = torch.load(vggish_file, weights_only=True)
    assert all(torch.equal(value, stored[name]) for name, value in network.state_dict().items())
    patch = torch.randn(1, 96, 64)
    # The reference, written out: convolutions, channels last, two linear layers with ReLU.
    maps = patch[:, None]
    for index in (0, 3, 6, 8, 11, 13):
        maps = torch.nn.functional.conv2d(
            maps, stored[f'features.{index}.weight'], stored[f'features.{index}.bias'], padding=1
        ).relu()
        if index in (0, 3, 8, 13):
            maps = torch.nn.functional.max_pool2d(maps, 2)
    flat = maps.permute(0, 2, 3, 1).reshape(1, -1)
    for index in (0, 2):
        flat = (flat @ stored[f'embeddings.{index}.weight'].T + stored[f'embeddings.{index}.bias']).relu()
    assert network(patch).shape == (1, 4096)
    assert torch.allclose(network(patch), flat, atol=1e-5)


def test_weights_start_from_the_file_named_in_the_config(vggish_file) -> None:
    config = dict(type='VGGishLSTM', vggish=dict(init_cfg=dict(type='Pretrained', checkpoint=str(vggish_file))))
    encoder = MODELS.build(config | dict(num_references=1, embed_dims=32, lstm_dims=16, frozen=True))
    encoder.init_weights()
    stored = torch.load(vggish_file, weights_only=True)
    assert torch.equal(encoder.vggish.features[0].weight, stored['features.0.weight'])
    assert not any(parameter.requires_grad for parameter in encoder.vggish.parameters())
    assert all(parameter.requires_grad for parameter in encoder.lstm.parameters())


def test_the_url_of_the_configs_is_fetched(vggish_file, repository, monkeypatch) -> None:
    config = Config.fromfile(repository / 'configs/rcf_av/rcf-av_r50_avis.py').model.audio_encoder
    fetched = []

    def fetch(url: str, map_location: str) -> dict:
        fetched.append(url)
        return torch.load(vggish_file, map_location=map_location, weights_only=True)

    monkeypatch.setattr(CheckpointLoader, 'load_checkpoint', fetch)
    encoder = MODELS.build(config)
    encoder.init_weights()
    assert fetched == [config.vggish.init_cfg.checkpoint]
    stored = torch.load(vggish_file, weights_only=True)
    assert torch.equal(encoder.vggish.embeddings[2].weight, stored['embeddings.2.weight'])


@pytest.mark.slow
@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda weights: weights.pop('features.6.bias'), 'lacks features.6.bias'),
        (lambda weights: weights.update(head=torch.zeros(1)), 'holds the unknown head'),
        (lambda weights: weights.update({'features.3.bias': 7}), 'holds something else than tensors'),
        (lambda weights: weights.update({'features.3.bias': torch.zeros(7)}), r'features.3.bias has shape \(7,\)'),
    ],
)
def test_a_wrong_file_is_refused_by_name(change, message, vggish_file, tmp_path) -> None:
    weights = torch.load(vggish_file, weights_only=True)
    change(weights)
    path = tmp_path / 'wrong.pth'
    torch.save(weights, path)
    with pytest.raises(InputError, match=rf'wrong\.pth: {message}'):
        load_vggish(VGGish(), path)
    path.write_bytes(b'not weights')
    with pytest.raises(InputError, match=r'wrong\.pth: not a PyTorch checkpoint'):
        load_vggish(VGGish(), path)
    with pytest.raises(InputError, match=r'absent\.pth'):
        load_vggish(VGGish(), tmp_path / 'absent.pth')
