"""Write the step of a model as one graph. The state of the stream is an input and an output.

``python tools/export/onnx_export.py CONFIG CHECKPOINT --out FILE.onnx``
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mmrcf.command_line import add_cfg_options, add_size, start_program
from mmrcf.defaults import FLOAT_PARTS, OPSET
from mmrcf.errors import InputError, InputFileError, exit_on_bad_input

ROOT = Path(__file__).resolve().parents[2]
DEMO_CLIP = str(ROOT / 'demo/shapes.mp4')
CALIBRATION_FRAMES = 100
SUFFIXES = {'onnx': '.onnx', 'torch-export': '.pt2'}


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Write the step of a model as one graph')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', nargs='?', help='its weights; without them the weights are random')
    parser.add_argument('--out', required=True, metavar='FILE', help='what to write: .onnx, or .pt2 for torch-export')
    parser.add_argument('--format', choices=list(SUFFIXES), default='onnx', help='kind of file (default: onnx)')
    size = parser.add_mutually_exclusive_group()
    add_size(size, 'only for videos of this size; the fastest graph')
    size.add_argument('--dynamic', action='store_true', help='for videos of any size (default)')
    parser.add_argument('--opset', type=int, help=f'version of the ONNX operators (default: {OPSET})')
    parser.add_argument('--int8', metavar='VIDEO', help='quantise to int8, calibrated on VIDEO')
    parser.add_argument(
        '--calibration-frames',
        type=int,
        metavar='N',
        help=f'frames of VIDEO for calibration (default: {CALIBRATION_FRAMES})',
    )
    parser.add_argument(
        '--keep-float',
        nargs='*',
        metavar='PART',
        help=f'parts of the model that stay in float with --int8 (default: {" ".join(FLOAT_PARTS)})',
    )
    parser.add_argument(
        '--check',
        nargs='?',
        const=DEMO_CLIP,
        metavar='VIDEO',
        help='run a video through PyTorch and through the file, and compare (default: the sample clip)',
    )
    parser.add_argument(
        '--check-frames', type=int, default=50, metavar='N', help='frames of it to compare (default: 50)'
    )
    add_cfg_options(parser)
    args = parser.parse_args(arguments)
    suffix = SUFFIXES[args.format]
    if Path(args.out).suffix != suffix:
        parser.error(f'--out {args.out}: expected a name that ends in {suffix}')
    if args.format != 'onnx' and (args.int8 or args.opset is not None):
        parser.error('--int8 and --opset are for ONNX files')
    if not args.int8 and (args.calibration_frames is not None or args.keep_float is not None):
        parser.error('--calibration-frames and --keep-float are for --int8')
    args.opset = OPSET if args.opset is None else args.opset
    args.calibration_frames = CALIBRATION_FRAMES if args.calibration_frames is None else args.calibration_frames
    args.keep_float = FLOAT_PARTS if args.keep_float is None else args.keep_float
    if min(args.calibration_frames, args.check_frames) < 1:
        parser.error('--calibration-frames and --check-frames: expected at least 1')
    return args


if __name__ == '__main__':
    start_program(parse_args)

import numpy as np

from mmrcf.apis import OnlineSegmenter, init_model
from mmrcf.apis.onnx_segmenter import stream_feeds
from mmrcf.export import (
    ExportedModel,
    Parity,
    open_onnx,
    quantize_onnx,
    read_program,
    result_objects,
    trace_step,
    write_onnx,
    write_program,
)
from mmrcf.export.onnx_graph import require_onnx
from mmrcf.media import open_source
from mmrcf.media.frame_source import fit_image
from mmrcf.optimization import fold_batch_norms, fold_mask_projection

LEAST_IOU = 0.999


def network_shape(segmenter: OnlineSegmenter, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width that frames of ``size`` (height, width) have after the test pipeline."""
    shapes: list[tuple[int, int]] = []
    hook = segmenter.model.data_preprocessor.register_forward_pre_hook(
        lambda _module, arguments: shapes.append(tuple(arguments[0]['inputs']['img'][0].shape[-2:]))
    )
    with hook:
        segmenter.step(np.zeros((*size, 3), np.uint8))
    segmenter.reset()
    return shapes[0]


def compare(
    expected: OnlineSegmenter, actual: OnlineSegmenter, video: str, frames: int, size: tuple[int, int] | None
) -> Parity:
    """Run the first frames of a video, brought to ``size`` (height, width), through two models."""
    parity = Parity()
    with open_source(video, audio=expected.uses_audio) as source:
        for frame in source:
            audio = frame.audio if expected.uses_audio else None
            image = frame.image if size is None else fit_image(frame.image, size)
            results = [segmenter.step(image, audio, time=frame.time) for segmenter in (expected, actual)]
            parity.add(*map(result_objects, results))
            if parity.frames == frames:
                break
    return parity


def check_inputs(args: argparse.Namespace) -> None:
    """Refuse what would not work in the end, before anything that takes time."""
    for video in (args.int8, args.check):
        if video:
            open_source(video).close()
    for module in ('onnx', 'onnxscript', 'onnxruntime') if args.format == 'onnx' else ():
        require_onnx(module)
    folder = Path(args.out).absolute().parent
    if folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise InputFileError(f'--out {args.out}: {folder} is no folder that can be written to; give another folder')


def export(args: argparse.Namespace, segmenter: OnlineSegmenter, size: tuple[int, int] | None) -> ExportedModel:
    """Write the file, for frames of ``size`` (height, width) or of any, and read it back."""
    shape = network_shape(segmenter, size) if size else None
    program, info = trace_step(segmenter.model, shape)
    if args.format == 'torch-export':
        write_program(program, info, args.out)
        return ExportedModel(read_program(args.out), f'program {args.out}')
    if not args.int8:
        write_onnx(program, info, args.out, args.opset)
        return open_onnx(args.out, device='cpu')
    with tempfile.TemporaryDirectory() as folder:
        floats = Path(folder) / 'float.onnx'
        write_onnx(program, info, floats, args.opset)
        feeds = stream_feeds(floats, args.int8, args.calibration_frames, size)
        quantize_onnx(floats, args.out, feeds, args.keep_float)
    return open_onnx(args.out, device='cpu')


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Export with the options of the command line."""
    args = parse_args(arguments)
    check_inputs(args)
    # On the CPU in fp32, whatever the machine has: so are the files, and what --check compares them with.
    source = init_model(args.config, args.checkpoint, 'cpu', args.cfg_options)
    fold_batch_norms(source)
    fold_mask_projection(source)
    segmenter = OnlineSegmenter(source, precision='fp32')
    size = args.size[::-1] if args.size else None
    model = export(args, segmenter, size)
    info = model.info
    sizes = 'any size' if info.frame_shape is None else f'{info.frame_shape[1]}x{info.frame_shape[0]}'
    opset = '' if info.opset is None else f', opset {info.opset}'
    print(f'wrote {args.out} ({Path(args.out).stat().st_size / 2**20:.1f} MiB, {info.precision}, {sizes}{opset})')
    if args.check:
        parity = compare(segmenter, OnlineSegmenter(model), args.check, args.check_frames, size)
        print(parity)
        if not parity.objects + parity.unmatched:
            raise InputError(
                f'--check {args.check}: no object was shown in {parity.frames} frames, so nothing was compared; give a '
                'checkpoint, or --cfg-options model.score_thr=0.001'
            )
        if info.precision == 'float32' and not (parity.same_tracks and parity.mean_iou >= LEAST_IOU):
            raise InputError(f'--check {args.check}: the file and PyTorch disagree, see above')


if __name__ == '__main__':
    main()
