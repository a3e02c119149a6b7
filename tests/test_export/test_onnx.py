"""An ONNX file runs as the model that it was made from: the same objects, track IDs and classes."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmrcf.apis import OnlineSegmenter, RCFInferencer, init_model
from mmrcf.apis.onnx_segmenter import OnnxSegmenter, stream_feeds
from mmrcf.errors import InputError, InputFileError
from mmrcf.export import RUNTIMES, quantize_onnx, read_program, step_graph, trace_step, write_onnx
from mmrcf.export.quantize import QUANTIZED, _part
from mmrcf.export.runtimes import OrtGraph, _openvino_precision
from mmrcf.models import RCF

onnx = pytest.importorskip('onnx')
runtime = pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')


@pytest.fixture(scope='module')
def clip(write_clip: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp('clip') / 'clip.mp4', frames=12, height=52, width=90, audio='aac')


@pytest.mark.parametrize('audio', [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize('runtime', RUNTIMES)
def test_equals_pytorch_from_the_first_frame_on(
    runtime: str, audio: bool, request: pytest.FixtureRequest, frames: list[np.ndarray], run_both
) -> None:
    pytest.importorskip(runtime)
    name = 'audio_visual' if audio else 'visual_only'
    path = request.getfixturevalue(f'{name}_file')
    segmenter = OnnxSegmenter(path, threads=1, runtime=runtime, device='cpu', precision='fp32')
    assert segmenter.setup == f'{runtime}, cpu, fp32'
    expected = OnlineSegmenter(request.getfixturevalue(f'{name}_model'))
    assert segmenter.uses_audio is audio and segmenter.classes == expected.classes
    parity, _ = run_both(expected, segmenter, frames)
    assert parity.same_tracks and parity.lowest_iou >= 0.999 and parity.objects > 6
    for each in (segmenter, expected):
        each.reset()


@pytest.mark.slow
@pytest.mark.parametrize(('runtime', 'audio'), [('onnxruntime', False), ('onnxruntime', True), ('openvino', True)])
def test_a_file_for_any_size_takes_any(
    runtime: str, audio: bool, request: pytest.FixtureRequest, frames: list[np.ndarray], run_both, tmp_path: Path
) -> None:
    pytest.importorskip(runtime)
    model = request.getfixturevalue('audio_visual_model' if audio else 'visual_only_model')
    path = request.getfixturevalue('audio_visual_file') if audio else tmp_path / 'any.onnx'
    if not audio:
        write_onnx(*trace_step(model), path)
    segmenter = OnnxSegmenter(path, threads=1, runtime=runtime, precision='fp32')
    expected = OnlineSegmenter(model)
    # 96x55, a portrait of 37x64, and 96x64, which needs no padding, after the pipeline.
    for crop in (np.s_[:], np.s_[:, :30], np.s_[:40, :60]):
        for each in (segmenter, expected):
            each.reset()
        parity, _ = run_both(expected, segmenter, [frame[crop] for frame in frames])
        assert parity.same_tracks and parity.mean_iou >= 0.9999 and parity.objects > 6


def test_a_model_of_many_queries_has_its_overlaps_outside(
    visual_only_model: RCF, frames: list[np.ndarray], run_both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_graph, 'MAX_OVERLAPPING', visual_only_model.head.num_queries - 1)
    write_onnx(*trace_step(visual_only_model, (55, 96)), tmp_path / 'many.onnx')
    segmenter = OnnxSegmenter(tmp_path / 'many.onnx', threads=1)
    assert 'previous_masks' not in {value.name for value in onnx.load(tmp_path / 'many.onnx').graph.input}
    parity, _ = run_both(OnlineSegmenter(visual_only_model), segmenter, frames)
    assert parity.same_tracks and parity.lowest_iou >= 0.999 and parity.objects > 6


@pytest.mark.slow
def test_the_file_describes_itself(audio_visual_file: Path, visual_only_file: Path) -> None:
    model = onnx.load(audio_visual_file)
    onnx.checker.check_model(model, full_check=True)
    inputs = {
        value.name: [one.dim_param or one.dim_value for one in value.type.tensor_type.shape.dim]
        for value in model.graph.input
    }
    assert inputs['frame'] == [1, 3, 'height', 'width']
    assert inputs['references'] == [1, 16, 'token_height', 'token_width']
    assert inputs['previous_masks'] == [5, 'mask_height', 'mask_width']
    assert set(inputs) == {
        'frame',
        'seen',
        'references',
        'previous_masks',
        'log_mel',
        'has_audio',
        'audio_features',
        'audio_valid',
    }
    texts = {entry.key: entry.value for entry in model.metadata_props}
    assert texts['frame_shape'] == 'null' and texts['opset'] == '20' and texts['precision'] == '"float32"'
    assert {entry.version for entry in model.opset_import if not entry.domain} == {20}
    assert OnnxSegmenter(visual_only_file).model.info.frame_shape == [55, 96]


@pytest.mark.slow
def test_the_other_tools_take_it(
    audio_visual_file: Path, audio_visual_model: RCF, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inferencer = RCFInferencer(str(audio_visual_file), cfg_options={'model.score_thr': 0.5})
    summary = inferencer(clip, out=tmp_path / 'out.mp4', json=tmp_path / 'out.json')
    assert summary.frames == 12 and summary.objects > 0 and summary.audio != 'none'
    monkeypatch.setattr(audio_visual_model, 'score_thr', 0.5)
    expected = RCFInferencer(audio_visual_model)(clip, json=tmp_path / 'expected.json')
    assert summary.objects == expected.objects
    tracks, expected_tracks = (json.loads((tmp_path / name).read_text()) for name in ('out.json', 'expected.json'))
    assert len(tracks['annotations']) == len(expected_tracks['annotations'])
    with pytest.raises(InputError, match='checkpoint x.pth: ONNX model .* has its weights in it'):
        init_model(audio_visual_file, 'x.pth')


def test_eight_bits(visual_only_file: Path, clip: Path, tmp_path: Path, frames: list[np.ndarray]) -> None:
    feeds = list(stream_feeds(visual_only_file, clip, 4))
    assert [int(one['seen']) for one in feeds] == [0, 2, 2, 2]  # frames 0, 3, 6 and 9
    quantize_onnx(visual_only_file, tmp_path / 'int8.onnx', feeds, float_parts=('head',))
    segmenter = OnnxSegmenter(tmp_path / 'int8.onnx')
    assert segmenter.model.info.precision == 'int8'
    assert (tmp_path / 'int8.onnx').stat().st_size < visual_only_file.stat().st_size
    assert all(len(segmenter.step(frame)) for frame in frames)
    graph = onnx.load(tmp_path / 'int8.onnx').graph
    assert parts_in_eight_bits(graph) >= {'backbone', 'mask_decoder', 'neck'} - {'head'}
    assert 'head' not in parts_in_eight_bits(graph)
    quantize_onnx(visual_only_file, tmp_path / 'all.onnx', feeds, float_parts=())
    assert 'head' in parts_in_eight_bits(onnx.load(tmp_path / 'all.onnx').graph)
    with pytest.raises(InputError, match='has no part hed; expected some of .*head'):
        quantize_onnx(visual_only_file, tmp_path / 'no.onnx', feeds, float_parts=('hed',))


def parts_in_eight_bits(graph) -> set[str]:
    """Parts of the model with a product of which both factors come out of int8."""
    made_of_bytes = {name for node in graph.node if node.op_type == 'DequantizeLinear' for name in node.output}
    products = [node for node in graph.node if node.op_type in QUANTIZED and set(node.input[:2]) <= made_of_bytes]
    return {_part(node) for node in products}


@pytest.mark.parametrize(
    ('runtime', 'options', 'words'),
    [
        ('onnxruntime', dict(precision='bf16'), 'precision bf16: onnxruntime computes in the precision of the file'),
        ('onnxruntime', dict(device='gpu'), 'device gpu: onnxruntime takes cpu, cuda, tensorrt'),
        ('onnxruntime', dict(device='cuda:x'), 'device cuda:x: onnxruntime takes'),
        ('openvino', dict(device='cuda'), 'device cuda: openvino finds cpu'),
        ('openvino', dict(precision='fp8'), 'precision fp8: expected auto or one of fp32, bf16, fp16'),
        ('tvm', {}, "runtime 'tvm': expected one of onnxruntime, openvino"),
    ],
)
def test_what_a_runtime_does_not_have(runtime: str, options: dict, words: str, visual_only_file: Path) -> None:
    if runtime in RUNTIMES:
        pytest.importorskip(runtime)
    with pytest.raises(InputError, match=words):
        OnnxSegmenter(visual_only_file, runtime=runtime, **options)


def test_a_gpu_of_onnxruntime_comes_before_the_processor(visual_only_file: Path) -> None:
    graph = OrtGraph(visual_only_file)
    graph.device = 'cuda:1'
    with pytest.raises(InputError, match='this onnxruntime has no CUDAExecutionProvider'):
        graph._providers(['CPUExecutionProvider'])
    both = ['TensorrtExecutionProvider', 'CUDAExecutionProvider', 'CPUExecutionProvider']
    on_gpu = ('CUDAExecutionProvider', {'device_id': '1'})
    assert graph._providers(both) == [on_gpu, 'CPUExecutionProvider']
    graph.device = 'auto'
    assert graph._providers(both)[0] == ('CUDAExecutionProvider', {'device_id': '0'}) and graph.device == 'cuda'
    graph.device = 'tensorrt'
    assert [name for name, *_ in graph._providers(both)[:2]] == both[:2]


@pytest.mark.parametrize(
    ('wanted', 'device', 'capabilities', 'used'),
    [
        ('auto', 'CPU', ['FP32', 'INT8'], 'fp32'),
        ('auto', 'CPU', ['BF16', 'FP16', 'FP32'], 'fp32'),
        ('auto', 'GPU', ['FP32', 'FP16'], 'fp16'),
        ('fp32', 'CPU', ['BF16', 'FP32'], 'fp32'),
    ],
)
def test_precision_of_openvino(wanted: str, device: str, capabilities: list[str], used: str) -> None:
    assert _openvino_precision(wanted, device, capabilities) == used
    with pytest.raises(InputError, match='precision bf16: this CPU has no instructions for it'):
        _openvino_precision('bf16', 'CPU', ['FP32'])


def test_wrong_files_are_named(tmp_path: Path, visual_only_file: Path) -> None:
    with pytest.raises(InputFileError, match='ONNX model .*none.onnx: no such file'):
        OnnxSegmenter(tmp_path / 'none.onnx')
    (tmp_path / 'text.onnx').write_text('nothing')
    with pytest.raises(InputError, match='ONNX model .*text.onnx: onnxruntime cannot read it') as error:
        OnnxSegmenter(tmp_path / 'text.onnx')
    assert '\n' not in str(error.value)
    other = onnx.load(visual_only_file)
    del other.metadata_props[:]
    onnx.save(other, tmp_path / 'other.onnx')
    with pytest.raises(InputError, match='other.onnx: its metadata has no field mmrcf_version'):
        OnnxSegmenter(tmp_path / 'other.onnx')
    other = onnx.load(visual_only_file)
    next(value for value in other.graph.output if value.name == 'next_seen').name = 'seen_too'
    for node in other.graph.node:
        node.output[:] = ['seen_too' if name == 'next_seen' else name for name in node.output]
    onnx.save(other, tmp_path / 'renamed.onnx')
    with pytest.raises(InputError, match='renamed.onnx: has no input or output next_seen'):
        OnnxSegmenter(tmp_path / 'renamed.onnx')
    with pytest.raises(InputError, match='threads=0: expected at least 1'):
        OnnxSegmenter(visual_only_file, threads=0)
    with pytest.raises(InputError, match=f'program {visual_only_file}: cannot be read as a file of torch.export'):
        read_program(visual_only_file)


def test_a_failed_export_leaves_no_file(
    visual_only_model: RCF, network_size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args, **_kwargs):
        raise RuntimeError('no such operator\nand much more')

    program = trace_step(visual_only_model, network_size)
    monkeypatch.setattr('torch.onnx.export', fail)
    with pytest.raises(InputError, match=r'export to opset 20: failed \(no such operator and much more\)'):
        write_onnx(*program, tmp_path / 'out.onnx')
    assert not list(tmp_path.iterdir())
