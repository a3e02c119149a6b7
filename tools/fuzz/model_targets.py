"""Checkpoints, ONNX files and command lines: valid content, damaged as objects, opcodes, fields and words."""

import argparse
import contextlib
import io
import json
import os
import random
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from mmengine.logging import HistoryBuffer
from mmengine.registry import DefaultScope
from onnx import TensorProto, helper, numpy_helper

from mmrcf.apis import OnnxSegmenter
from mmrcf.command_line import add_cfg_options, add_device, add_json, add_size
from mmrcf.engine.checkpoint import latest_checkpoint, load_weights, read_checkpoint
from mmrcf.engine.config import load_config, require_training
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.errors import exit_on_bad_input
from mmrcf.export.onnx_graph import set_description
from mmrcf.export.step_info import STATE_OUTPUTS, StepInfo
from mmrcf.models.checkpoint_file import load_local
from mmrcf.registry import MODELS, SCOPE
from mutations import VALUES, json_bytes, mutate_bytes, mutate_json, mutate_text
from target import Target, run_each

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/shapes/rcf_r18_shapes.py'
# What a checkpoint would leave if it ran anything.
MARKER = 'FUZZ_MARKER'


class Call:
    """Is pickled as a call of a function."""

    def __init__(self, function: Callable, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple:
        return self.call

    def __deepcopy__(self, _memo: dict) -> 'Call':
        return self  # a copy would be made by the call


class State:
    """Is pickled as an object of a class with a state."""

    def __init__(self, made_by: Callable, arguments: tuple, state: object) -> None:
        self.parts = made_by, arguments, state

    def __reduce__(self) -> tuple:
        return self.parts

    def __deepcopy__(self, _memo: dict) -> 'State':
        return self


def hostile_objects(marker: str) -> list[Any]:
    """Objects that would create the file ``marker``, or change what others read, where their pickle is run."""
    touch = f'open({marker!r}, "w").close()'
    return [
        Call(os.system, f'touch {marker}'),
        Call(eval, touch),
        Call(exec, touch),
        Call(open, marker, 'w'),
        Call(getattr, Call(__import__, 'os'), 'system'),
        Call(getattr, HistoryBuffer, '_set_default_statistics'),
        Call(getattr, getattr, '__self__'),
        Call(map, eval, (touch,)),
        Call(torch.load, marker),
        Call(torch.hub.load, marker, 'x'),
        Call(np.load, marker),
        Call(np.memmap, marker, 'u1', 'w+', 0, (4,)),
        State(HistoryBuffer, (), {'_log_history': np.zeros(2), '_count_history': np.zeros(3)}),
        State(HistoryBuffer, (), {'mean': Call(eval, touch)}),
        State(HistoryBuffer, (), (None, {'max_length': 'x'})),
        State(np.ndarray, ((0,), 'u1'), (1, (10**12,), np.dtype('u1'), False, b'')),
        np.array([Call(eval, touch)], dtype=object),
        torch.nn.Linear(1, 1),
        torch.zeros(1).expand(10**9),
        torch.zeros(2, 2).to_sparse(),
        torch.quantize_per_tensor(torch.zeros(2), 1.0, 0, torch.qint8),
        torch.zeros(0, 3),
        torch.full((2,), float('nan')),
        torch.zeros(2, device='meta'),
        Path(marker),
        range(10),
        complex(1, 2),
        b'bytes',
    ]


def checkpoints(folder: Path) -> Target:
    """Training checkpoints in both formats of PyTorch."""
    marker = folder / 'ran'
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    history = HistoryBuffer([0.5, 0.25], [1, 1])
    content = dict(
        state_dict=model.state_dict(),
        meta=dict(iter=2, epoch=0, seed=1, dataset_meta=dict(classes=('a', 'b')), config='raise SystemExit("ran")'),
        optimizer=dict(state={0: dict(step=torch.tensor(1.0))}, param_groups=[dict(lr=0.1, params=[0])]),
        message_hub=dict(log_scalars={'train/loss': history}, runtime_info={'keep_ckpt_ids': [2]}, resumed_keys={}),
    )
    hostile = hostile_objects(str(marker))
    whole = [_saved(content, zipped) for zipped in (True, False)]

    def make(rng: random.Random) -> bytes:
        zipped = rng.random() < 0.8
        form = rng.randrange(3)
        if form == 0:
            return mutate_bytes(rng.choice(whole), rng, whole)
        if form == 1:
            changed = mutate_json(content, rng, (*VALUES[:40], *hostile))
            with contextlib.suppress(Exception):  # not everything can be pickled
                return _saved(changed, zipped)
        return _with_damaged_opcodes(whole[0], rng)

    def run(path: Path) -> None:
        latest_checkpoint(path.parent)
        try:
            run_each((lambda: _load(model, path), lambda: load_local(str(path))))
        finally:
            if marker.exists():
                marker.unlink()
                raise AssertionError('the checkpoint has run code')

    return Target(make, run, '.pth', 'checkpoints, as weights and to resume from', whole)


def _load(model: torch.nn.Module, path: Path) -> None:
    content = read_checkpoint(path)
    load_weights(model, content['state_dict'], path)


def _saved(content: Any, zipped: bool = True) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def _with_damaged_opcodes(content: bytes, rng: random.Random) -> bytes:
    """A checkpoint whose archive is sound, but not the pickle, or another member, in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(file, 'w') as written:
        names = archive.namelist()
        damaged = next(name for name in names if name.endswith('data.pkl'))
        if rng.random() < 0.2:
            damaged = rng.choice(names)
        for name in names:
            data = archive.read(name)
            written.writestr(name, mutate_bytes(data, rng) if name == damaged else data)
    return file.getvalue()


def onnx_files(folder: Path) -> Target:
    """ONNX files with a tiny graph, and the description in their metadata."""
    info = StepInfo(
        mmrcf_version='1.0',
        config={},
        class_names=['a', 'b'],
        pipeline=[
            dict(type='LoadClipFrames'),
            dict(type='ClipResize', scale=(96, 64), keep_ratio=True),
            dict(type='PackClip'),
        ],
        tracker=dict(type='MatchingFreeTracker'),
        score_thr=0.5,
        mask_thr=0.5,
        mean=[120.0] * 3,
        std=[60.0] * 3,
        bgr_to_rgb=True,
        pad_size_divisor=32,
        frame_shape=None,
        num_classes=2,
        num_queries=4,
        num_references=1,
        token_channels=8,
        token_stride=8,
        mask_stride=4,
        audio_dims=None,
        overlaps=True,
        opset=20,
        precision='float32',
    )
    model = _tiny_graph(info)
    metadata = info.to_metadata()
    described = onnx.ModelProto()
    described.CopyFrom(model)
    set_description(described, info)
    frame = np.zeros((64, 96, 3), np.uint8)

    def make(rng: random.Random) -> bytes:
        fields = {name: json.loads(text) for name, text in metadata.items()}
        changed = mutate_json(fields, rng)
        own = onnx.ModelProto()
        own.CopyFrom(model)
        texts = {} if not isinstance(changed, dict) else {str(name): value for name, value in changed.items()}
        for name, value in texts.items():
            text = json_bytes(value).decode()
            own.metadata_props.add(key=name.encode('utf-8', 'replace').decode(), value=text)
        written = own.SerializeToString()
        return mutate_bytes(written, rng) if rng.random() < 0.3 else written

    def run(path: Path) -> None:
        segmenter = OnnxSegmenter(path, threads=1)
        segmenter.step(frame)
        segmenter.step(frame)

    return Target(make, run, '.onnx', 'ONNX files and two frames through them', [described.SerializeToString()])


def _tiny_graph(info: StepInfo) -> onnx.ModelProto:
    """A graph with the inputs and outputs of a step; outputs are constants."""
    queries, classes = info.num_queries, info.num_classes
    state = info.first_state((64, 96))
    outputs = dict(
        class_probs=np.full((queries, classes), 0.4, np.float32),
        scores=np.full(queries, 0.8, np.float32),
        mask_logits=np.ones((queries, 16, 24), np.float32),
        masks=np.ones((queries, 16, 24), bool),
        codes=np.ones((queries, 3), np.float32),
        overlaps=np.eye(queries),
        previous_overlaps=np.zeros((queries, queries)),
    )
    outputs |= {STATE_OUTPUTS[name]: value for name, value in state.items() if STATE_OUTPUTS[name] not in outputs}
    kinds = {name: helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in {**state, **outputs}.items()}
    inputs = [helper.make_tensor_value_info('frame', TensorProto.UINT8, [1, 3, None, None])]
    inputs += [helper.make_tensor_value_info(name, kinds[name], array.shape) for name, array in state.items()]
    graph = helper.make_graph(
        [
            helper.make_node('Constant', [], [name], value=numpy_helper.from_array(array, name))
            for name, array in outputs.items()
        ],
        'step',
        inputs,
        [helper.make_tensor_value_info(name, kinds[name], array.shape) for name, array in outputs.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 20)], ir_version=10)


def command_lines(folder: Path) -> Target:
    """Options that many tools share, and overrides of a config up to the model that is built of it."""
    fields = [
        *('model.score_thr=0.3', 'model.head.num_queries=7', 'model.neck.grid_size=2', 'model.tracker.type=IoUTracker'),
        *('model.backbone.depth=18', 'model.head.loss_cls.class_weight=[1.0,2.0]', 'train_dataloader.batch_size=2'),
        *('model.neck.encoder=dict(num_layers=1,num_heads=8,feedforward_dims=64)', 'optim_wrapper.optimizer.lr=0.1'),
        *('model.data_preprocessor.mean=[1,2,3]', 'test_pipeline.1.scale=(96,64)', 'model.neck=None', 'model=None'),
        *('train_cfg.max_iters=1', 'default_hooks.logger.interval=1', 'model.head.match_costs.0.weight=2'),
        *('data_root=x', 'load_from=none.pth', 'randomness.seed=3', 'param_scheduler.0.type=PolyLR'),
    ]
    values = [
        '',
        '0',
        '-1',
        '1e999',
        'nan',
        'None',
        'True',
        '[]',
        '[[',
        'dict(',
        'dict(type=x)',
        '{}',
        '(1,)',
        "'",
        '"',
    ]
    values += [
        '=',
        'a=b',
        '../x',
        'é',
        '7' * 5000,
        '-9223372036854775809',
        'lambda: 0',
        '__import__("os")',
        '[1,[2,3]]',
    ]
    words = [
        '--size',
        '96x64',
        '0x0',
        '9x',
        '--device',
        'cpu',
        'cuda:99',
        'auto',
        '--json',
        'x.json',
        'x',
        '--cfg-options',
    ]

    valid = [json.dumps(['--cfg-options', *own]).encode() for own in (fields[:1], fields[:3])]

    def option(rng: random.Random) -> str:
        text = rng.choice(fields)
        key, _, value = text.partition('=')
        match rng.randrange(5):
            case 0:
                return f'{key}={rng.choice(values)}'
            case 1:
                parts = key.split('.')
                parts[rng.randrange(len(parts))] = rng.choice(('', '0', '-1', '99', 'x', 'type', '*', '\ud800'))
                return f'{".".join(parts)}={value}'
            case 2:
                return mutate_text(text, rng)
        return text

    def make(rng: random.Random) -> bytes:
        command = [option(rng) for _ in range(rng.randint(1, 3))]
        command = ['--cfg-options', *command, *(rng.choice(words) for _ in range(rng.choice((0, 0, 1, 2))))]
        return json.dumps(command).encode()

    @exit_on_bad_input
    def command(arguments: Sequence[str]) -> None:
        parser = argparse.ArgumentParser()
        add_cfg_options(parser)
        add_size(parser, 'size', (96, 64))
        add_device(parser)
        add_json(parser)
        args = parser.parse_args(arguments)
        config = load_config(CONFIG, args.cfg_options)
        require_training(config)
        with explained_config_errors(config), DefaultScope.overwrite_default_scope(SCOPE):
            MODELS.build(config.model)

    def run(path: Path) -> None:
        command(json.loads(path.read_text()))

    return Target(make, run, '.json', 'options, and overrides of a config', valid)
