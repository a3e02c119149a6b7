import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer

from mmrcf.apis import init_model
from mmrcf.apis.init_model import resolve_device
from mmrcf.engine.checkpoint import read_checkpoint
from mmrcf.errors import InputError, InputFileError


@pytest.fixture(scope='module')
def weights(tiny_config: Path) -> dict:
    torch.manual_seed(3)
    return init_model(tiny_config).state_dict()


@pytest.fixture
def checkpoint(tmp_path: Path, weights: dict) -> Path:
    path = tmp_path / 'weights.pth'
    torch.save({'state_dict': weights, 'meta': {'dataset_meta': {'classes': list('abcdefgh')}}}, path)
    return path


def save(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def test_weights_and_classes_come_from_the_checkpoint(tiny_config: Path, checkpoint: Path, weights: dict) -> None:
    model = init_model(tiny_config, checkpoint)
    assert not model.training and model.dataset_meta['classes'] == tuple('abcdefgh')
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, weights[name])


def test_classes_come_from_the_config_otherwise(tiny_config: Path, tmp_path: Path, weights: dict) -> None:
    model = init_model(Config.fromfile(tiny_config), save(tmp_path / 'bare.pth', weights))
    assert len(model.dataset_meta['classes']) == 8 and 'triangle' in model.dataset_meta['classes']


def test_half_precision_and_wrapped_names(tiny_config: Path, tmp_path: Path, weights: dict) -> None:
    half = {f'module.{name}': value.half() if value.is_floating_point() else value for name, value in weights.items()}
    model = init_model(tiny_config, save(tmp_path / 'half.pth', {'state_dict': half}))
    name, value = next(iter(model.head.named_parameters()))
    assert value.dtype == torch.float32
    torch.testing.assert_close(value.detach(), weights[f'head.{name}'], rtol=1e-3, atol=1e-3)


def test_training_checkpoint(tiny_config: Path, tmp_path: Path, weights: dict) -> None:
    history = HistoryBuffer()
    history.update(1.0)
    content = dict(state_dict=weights, message_hub=dict(log_scalars={'train/loss': history}, runtime_info={'iter': 3}))
    loaded = init_model(tiny_config, save(tmp_path / 'iter_3.pth', content)).state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in weights.items())


def test_options_override_the_config(tiny_config: Path) -> None:
    assert init_model(tiny_config, cfg_options={'model.score_thr': 0.25}).score_thr == 0.25
    config = Config.fromfile(tiny_config)
    assert init_model(config, cfg_options={'model.score_thr': 0.3}).score_thr == 0.3
    assert 'score_thr' not in config.model, 'the config that is passed in is not changed'


@pytest.mark.parametrize('option', ['modle.score_thr', 'model.type.x', 'test_dataloader.dataset.pipeline.9.scale'])
def test_options_that_fit_nothing_are_refused(tiny_config: Path, option: str) -> None:
    for config in (Config.fromfile(tiny_config), Config(Config.fromfile(tiny_config).to_dict()), tiny_config):
        with pytest.raises(InputError, match=option):
            init_model(config, cfg_options={option: 1})


class Payload:
    def __reduce__(self) -> tuple:
        return (print, ('this code must not run',))


def test_code_in_a_checkpoint_does_not_run(
    tiny_config: Path, tmp_path: Path, weights: dict, capsys: pytest.CaptureFixture
) -> None:
    path = save(tmp_path / 'evil.pth', {'state_dict': weights, 'meta': Payload()})
    with pytest.raises(InputError, match='holds Python objects'):
        init_model(tiny_config, path)
    assert 'must not run' not in capsys.readouterr().out


def text(value: str) -> bytes:
    """``value`` as an instruction of a pickle."""
    return b'X' + struct.pack('<I', len(value)) + value.encode()


def attribute(owner: bytes, name: str) -> bytes:
    """The call ``getattr(owner, name)`` as instructions of a pickle."""
    return b'cbuiltins\ngetattr\n' + owner + text(name) + b'\x86R'


def crafted(path: Path, state: bytes, argument: bytes) -> Path:
    """A checkpoint that sets two states on a ``HistoryBuffer``, one after the other."""
    history = b'cmmengine.logging.history_buffer\nHistoryBuffer\n)\x81'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('archive/data.pkl', b'\x80\x02' + history + state + b'b' + argument + b'b.')
        archive.writestr('archive/version', '3\n')
    return path


@pytest.mark.parametrize('owner', ['builtins\ngetattr', 'mmengine.logging.history_buffer\nHistoryBuffer'])
def test_no_name_of_a_checkpoint_reaches_exec(tmp_path: Path, owner: str) -> None:
    marker = tmp_path / 'marker'
    first = b'c' + owner.encode() + b'\n'
    if owner.endswith('HistoryBuffer'):  # from a method to its globals would be the next step
        first = attribute(first, 'min')
    execute = attribute(attribute(first, '__self__'), 'exec')
    state = b'}' + text('__setstate__') + execute + b's'
    path = crafted(tmp_path / 'evil.pth', state, text(f'open({str(marker)!r}, "w")'))
    with pytest.raises(InputError, match='holds Python objects') as caught:
        read_checkpoint(path)
    assert '\n' not in str(caught.value)
    assert not marker.exists()


def test_a_log_history_changes_nothing_here(tmp_path: Path) -> None:
    """What a checkpoint says about its history is not taken over: no method of it, and none of the class."""
    before = dict(HistoryBuffer._statistics_methods)
    ordered = b'ccollections\nOrderedDict\n'
    poison = b'}' + text('statistics_methods') + b'}' + text('mean') + ordered + b'ss' + text('__setstate__') + ordered
    path = crafted(tmp_path / 'poison.pth', poison + b's', b']')
    with pytest.raises(InputError, match='holds a LogHistory'):
        read_checkpoint(path)
    assert before == HistoryBuffer._statistics_methods
    arguments = pickle.dumps(HistoryBuffer(), protocol=2).replace(b')', text('x') + b'\x85', 1)  # one too many
    with zipfile.ZipFile(tmp_path / 'odd.pth', 'w') as archive:
        archive.writestr('archive/data.pkl', arguments)
        archive.writestr('archive/version', '3\n')
    with pytest.raises(InputError, match='odd.pth'):
        read_checkpoint(tmp_path / 'odd.pth')


def test_unusable_checkpoints(tiny_config: Path, tmp_path: Path, checkpoint: Path) -> None:
    text, empty, cut = tmp_path / 'text.pth', tmp_path / 'empty.pth', tmp_path / 'cut.pth'
    text.write_text('hello, this is no checkpoint')
    empty.touch()
    cut.write_bytes(checkpoint.read_bytes()[: checkpoint.stat().st_size // 2])
    for path in (tmp_path / 'missing.pth', tmp_path, empty):
        with pytest.raises(InputFileError, match='checkpoint'):
            init_model(tiny_config, path)
    for path in (text, cut, save(tmp_path / 'list.pth', [1, 2]), save(tmp_path / 'no_weights.pth', {'meta': {}})):
        with pytest.raises(InputError) as caught:
            init_model(tiny_config, path)
        assert str(path) in str(caught.value) and '\n' not in str(caught.value)


def test_checkpoint_of_another_architecture(tiny_config: Path, checkpoint: Path) -> None:
    with pytest.raises(InputError) as caught:
        init_model(
            tiny_config, checkpoint, cfg_options={'model.head.mask_dims': 8, 'model.mask_decoder.out_channels': 8}
        )
    message = str(caught.value)
    assert str(checkpoint) in message and 'in the checkpoint and' in message and '\n' not in message
    with pytest.raises(InputError, match='the model has .* and the checkpoint does not'):
        init_model(tiny_config, checkpoint, cfg_options={'model.neck.encoder.num_layers': 2})


def test_checkpoint_of_another_class_count(tiny_config: Path, tmp_path: Path, checkpoint: Path, weights: dict) -> None:
    options = {'model.head.num_classes': 3, 'model.head.loss_cls.class_weight': [1.0, 1.0, 1.0, 0.1]}
    with pytest.raises(InputError, match=r'head\.\S+ is \[9.* in the checkpoint and \[4.*same number of classes'):
        init_model(tiny_config, checkpoint, cfg_options=options)
    path = save(tmp_path / 'names.pth', {'state_dict': weights, 'meta': {'dataset_meta': {'classes': ['a', 'b']}}})
    with pytest.raises(InputError, match='names 2 classes'):
        init_model(tiny_config, path)


@pytest.mark.parametrize('device', ['cuda:99', 'nonsense', 'mps:0' if not torch.backends.mps.is_available() else 'xyz'])
def test_device_that_is_not_there(tiny_config: Path, device: str) -> None:
    with pytest.raises(InputError, match=f'device .*{device}'):
        init_model(tiny_config, device=device)


def test_bad_configs(tiny_config: Path, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match='config'):
        init_model(tmp_path / 'missing.py')
    with pytest.raises(InputError, match='runs no stream'):
        init_model(Config(dict(model=dict(type='mmdet.DetDataPreprocessor'))))
    with pytest.raises(InputError, match='RobustContextFusio'):
        init_model(tiny_config, cfg_options={'model.neck.type': 'RobustContextFusio'})


@pytest.mark.parametrize(('count', 'device'), [(1, 'cuda'), (0, 'cpu')])
def test_auto_takes_a_gpu_if_there_is_one(monkeypatch: pytest.MonkeyPatch, count: int, device: str) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: count > 0)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)
    assert resolve_device('auto') == torch.device(device)
