"""Measure and write all figures of docs/performance.md: one command.

``python tools/benchmarks/performance.py`` takes some 40 minutes on two cores and needs ``make baselines``, ``make
data-shapes`` and the audio-visual benchmark. Each run writes a JSON file to docs/performance. A run with a file is not
repeated, so the command can be interrupted. Runs of exported models export them again.
"""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

from mmrcf.command_line import start_program
from mmrcf.errors import exit_on_bad_input
from page_tools import parse_page_args, run_tool

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / 'docs/performance'
MODELS = Path('work_dirs/performance')
R18, R50, R101 = (f'configs/rcf/rcf_{name}_ytvis19.py' for name in ('r18', 'r50', 'r101'))
PEERS = {
    depth: [f'configs/baselines/{name}_{depth}_ytvis19.py' for name in ('masktrack-rcnn', 'mask2former-vis')]
    for depth in ('r50', 'r101')
}
SHAPES = ['configs/shapes/rcf_r18_shapes.py', 'demo/checkpoints/rcf_r18_shapes.pth']
SHAPES_AV = ['configs/shapes/rcf-av_r18_shapes-av.py', 'demo/checkpoints/rcf-av_r18_shapes-av.pth']
REAL = [
    f'{folder}/rcf_r18_people-animals-vehicles.{end}'
    for folder, end in (('configs/real', 'py'), ('demo/checkpoints', 'pth'))
]
# A public image segmenter, with random weights that mmdet saved.
MINVIS = ['configs/minvis/minvis_r50_coco.py', MODELS / 'mask2former_r50.pth']
MINVIS_OF_MMDET = 'mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco.py'
# Random weights give low scores; the threshold is so low that all ten queries are active, so that masks and tracks cost
# what they can at most.
ALL_ACTIVE = ['--cfg-options', 'model.score_thr=0.001']
TWO = ['--threads', '2']
LATENCY = 'tools/benchmarks/latency.py'
SHAPES_LATENCY = [LATENCY, SHAPES[0], '--checkpoint', SHAPES[1], '--input', 'demo/shapes.mp4', '--frames', '100', *TWO]
REAL_CLIP = ['--input', 'demo/photographs.mp4', '--frames', '60', *TWO]
RUNS = {
    'latency_r50': [LATENCY, R50, *ALL_ACTIVE, '--baseline', R50, *PEERS['r50'], '--frames', '20', *TWO],
    'latency_r50_peers_optimized': [
        *(LATENCY, R50, *ALL_ACTIVE, '--optimize-baselines', '--baseline', *PEERS['r50'], '--frames', '12', *TWO)
    ],
    'latency_r50_compiled': [
        *(LATENCY, R50, *ALL_ACTIVE, '--compile', '--baseline', R50, *PEERS['r50'], '--frames', '15', *TWO)
    ],
    'latency_r50_onnx': [
        *(LATENCY, MODELS / 'r50.onnx', '--optimize-baselines', '--baseline', R50, '--frames', '20', *TWO)
    ],
    'latency_r50_int8': [LATENCY, MODELS / 'r50_int8.onnx', '--baseline', R50, *PEERS['r50'], '--frames', '12', *TWO],
    'latency_r50_busy': [LATENCY, R50, *ALL_ACTIVE, '--baseline', R50, '--frames', '12', '--busy', '2', *TWO],
    'latency_r50_openvino': [
        *(LATENCY, MODELS / 'r50.onnx', '--runtime', 'openvino', '--baseline', MODELS / 'r50.onnx', R50),
        *('--optimize-baselines', '--frames', '20', *TWO),
    ],
    'latency_r101': [LATENCY, R101, *ALL_ACTIVE, '--baseline', *PEERS['r101'], '--frames', '10', *TWO],
    'latency_r18': [LATENCY, R18, *ALL_ACTIVE, '--baseline', R18, MODELS / 'r18.onnx', '--frames', '150', *TWO],
    'latency_r18_compiled': [LATENCY, R18, *ALL_ACTIVE, '--compile', '--baseline', R18, '--frames', '150', *TWO],
    'latency_shapes': [
        *(*SHAPES_LATENCY, '--baseline', SHAPES[0], MODELS / 'shapes.onnx', MODELS / 'shapes_int8.onnx')
    ],
    'latency_shapes_compiled': [*SHAPES_LATENCY, '--compile', '--baseline', SHAPES[0]],
    'latency_real': [
        LATENCY,
        REAL[0],
        '--checkpoint',
        REAL[1],
        *REAL_CLIP,
        '--baseline',
        REAL[0],
        MODELS / 'real.onnx',
    ],
    'latency_real_openvino': [
        *(LATENCY, MODELS / 'real.onnx', '--runtime', 'openvino', *REAL_CLIP, '--baseline', MODELS / 'real.onnx')
    ],
    'latency_real_int8': [*(LATENCY, MODELS / 'real_int8.onnx', *REAL_CLIP, '--baseline', MODELS / 'real.onnx')],
    'latency_real_int8_openvino': [
        *(LATENCY, MODELS / 'real_int8.onnx', '--runtime', 'openvino', *REAL_CLIP, '--baseline', MODELS / 'real.onnx')
    ],
    'run_real': [
        *('tools/benchmarks/whole_run.py', REAL[0], '--checkpoint', REAL[1], '--input', 'demo/photographs.mp4', *TWO)
    ],
    'flops': ['tools/benchmarks/flops.py', R50, R101, '--rate', *TWO],
    'flops_r18': ['tools/benchmarks/flops.py', R18, '--size', '320x180', '--rate', *TWO],
    'operators_eager': ['tools/benchmarks/operators.py', R50, '--no-optimize', *TWO],
    'operators': ['tools/benchmarks/operators.py', R50, *TWO],
    'latency_r18_openvino': [
        *(LATENCY, MODELS / 'r18.onnx', '--runtime', 'openvino', '--baseline', MODELS / 'r18.onnx', R18),
        *('--optimize-baselines', '--frames', '100', *TWO),
    ],
    'busy_r18': ['tools/benchmarks/busy.py', R18, *ALL_ACTIVE],
    'training': ['tools/benchmarks/training.py', SHAPES[0], REAL[0], R50, '--steps', '6', *TWO],
    'soak': ['tools/benchmarks/soak.py', *SHAPES, *TWO, '--plot', RESULTS / 'soak.png'],
    'soak_onnxruntime': ['tools/benchmarks/soak.py', MODELS / 'shapes.onnx', *TWO],
    'soak_openvino': ['tools/benchmarks/soak.py', MODELS / 'shapes.onnx', '--runtime', 'openvino', *TWO],
    'live': ['tools/benchmarks/live.py', *SHAPES, '--model-fps', '10', *TWO],
    'minvis_parity': [
        *('tools/benchmarks/mmdet_parity.py', MINVIS[0], MINVIS_OF_MMDET, MINVIS[1], '--random-weights', *TWO),
        *('--cfg-options', 'model.tracker.duplicate_iou=None'),
    ],
    'minvis_latency': [LATENCY, MINVIS[0], '--checkpoint', MINVIS[1], '--frames', '8', '--warmup', '1', *TWO],
    'minvis_soak': ['tools/benchmarks/soak.py', *MINVIS, '--size', '640x360', '--frames', '240', *TWO],
    'evaluation': ['tools/benchmarks/evaluation.py', *SHAPES],
    'trackers': [
        *('tools/analysis_tools/compare_trackers.py', *SHAPES, '--tracker', 'MatchingFreeTracker()', '--tracker'),
        'MatchingFreeTracker(iou_threshold=0.4, duplicate_iou=0.6, return_by_class=True, start_score=0.8)',
        *('--tracker', 'HungarianTracker(duplicate_iou=0.6)'),
        *('--tracker', 'IoUTracker(iou_threshold=0.4, duplicate_iou=0.6)'),
    ],
    'parity_optimized': ['tools/benchmarks/parity.py', *SHAPES],
    'parity_bf16': ['tools/benchmarks/parity.py', *SHAPES, '--round-products'],
    'parity_compiled': ['tools/benchmarks/parity.py', *SHAPES, '--compile', '--frames', '600'],
    'onnx_shapes': ['tools/export/evaluate_onnx.py', SHAPES[0], MODELS / 'shapes.onnx', '--against', SHAPES[1]],
    'openvino_shapes': [
        *('tools/export/evaluate_onnx.py', SHAPES[0], MODELS / 'shapes.onnx', '--against', SHAPES[1]),
        *('--runtime', 'openvino', '--precision', 'fp32'),
    ],
    'onnx_shapes_av': [
        *('tools/export/evaluate_onnx.py', SHAPES_AV[0], MODELS / 'shapes_av.onnx', '--against', SHAPES_AV[1])
    ],
    'onnx_shapes_int8': [
        *('tools/export/evaluate_onnx.py', SHAPES[0], MODELS / 'shapes_int8.onnx', '--against', SHAPES[1])
    ],
    'openvino_shapes_int8': [
        *('tools/export/evaluate_onnx.py', SHAPES[0], MODELS / 'shapes_int8.onnx', '--against', SHAPES[1]),
        *('--runtime', 'openvino', '--precision', 'fp32'),
    ],
}


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    return parse_page_args('Measure the figures of docs/performance.md, and write them', tuple(RUNS), arguments)


if __name__ == '__main__':
    start_program(parse_args)

from performance_page import write_page

PAGE = ROOT / 'docs/performance.md'
EXPORTS = {
    'r50.onnx': [R50, '--size', '640x360', *ALL_ACTIVE],
    'r50_int8.onnx': [R50, '--size', '640x360', '--int8', 'demo/shapes.mp4', '--calibration-frames', '12', *ALL_ACTIVE],
    'r18.onnx': [R18, '--size', '640x360', *ALL_ACTIVE],
    'real.onnx': [*REAL, '--size', '640x360'],
    'real_int8.onnx': [
        *(*REAL, '--size', '640x360', '--int8', 'demo/photographs.mp4', '--keep-float', 'neck', 'head', 'mask_decoder')
    ],
    'shapes.onnx': [*SHAPES, '--size', '288x160'],
    'shapes_int8.onnx': [*SHAPES, '--size', '288x160', '--int8', 'demo/shapes.mp4'],
    'shapes_av.onnx': [*SHAPES_AV, '--size', '288x160'],
}


def run(command: Sequence[str | Path], *options: str | Path) -> None:
    """Run a tool of this repository in the root of it; raise :class:`InputError` where it fails."""
    run_tool(ROOT, [*command, *options])


def measure(force: Sequence[str]) -> None:
    """Run what has no result yet, and what is asked for again, with exports of the models as they are now."""
    due = {
        name: command
        for name, command in RUNS.items()
        if name in force or 'all' in force or not (RESULTS / f'{name}.json').exists()
    }
    needed = {MODELS / name for name in EXPORTS}.intersection(itertools.chain(*due.values()))
    for name, command in EXPORTS.items():
        if MODELS / name in needed:  # also one that exists: config and weights may have changed after it
            run(['tools/export/onnx_export.py'], *command, '--out', MODELS / name)
    for name, command in due.items():
        run(command, '--json', RESULTS / f'{name}.json')


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write with the options of the command line."""
    args = parse_args(arguments)
    if not args.page_only:
        measure(args.force)
    write_page(PAGE, RESULTS)


if __name__ == '__main__':
    main()
