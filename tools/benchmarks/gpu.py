"""Measure the models on a GPU: time of a frame and of a training step, memory, and parity with the CPU.

``python tools/benchmarks/gpu.py`` takes less than eight minutes, and writes docs/performance/gpu.json and the section
of GPUs in docs/performance.md. Measurements that do not fit into ``--minutes`` are left out and listed.
"""

import argparse
import contextlib
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmrcf.command_line import add_device, add_json, add_size, start_program
from mmrcf.errors import InputError, exit_on_bad_input
from mmrcf.shipped_models import SHIPPED_MODELS

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = [str(ROOT / f'configs/rcf/rcf_{name}_ytvis19.py') for name in ('r18', 'r50', 'r101', 'swin-b', 'swin-l')]
MODES = {
    'eager, fp32': dict(precision='fp32'),
    'eager, AMP': dict(precision='auto'),
    'compiled, AMP': dict(precision='auto', compile=True),
}
"""Arguments of ``OnlineSegmenter`` by name. Compiled networks run as CUDA graphs."""


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Measure the models on a GPU')
    add_device(parser, default='cuda')
    parser.add_argument('--configs', nargs='+', default=CONFIGS, metavar='CONFIG', help='default: five of configs/rcf')
    parser.add_argument('--modes', nargs='+', choices=MODES, default=list(MODES), help='default: all')
    parser.add_argument('--parity', choices=SHIPPED_MODELS, default='shapes', help='shipped model of the parity')
    add_size(parser, 'size of the frames', (640, 360), least=16)
    parser.add_argument('--frames', type=int, default=100, help='measured frames (default: 100)')
    parser.add_argument('--minutes', type=float, default=8.0, help='start no measurement after this time (default: 8)')
    add_json(parser)
    parser.add_argument('--page', metavar='FILE.md', help='write the table between the gpu markers of this file')
    args = parser.parse_args(arguments)
    if args.frames < 1:
        parser.error('--frames: expected at least 1')
    return args


if __name__ == '__main__':
    start_program(parse_args)

import torch
import torch._dynamo
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from latency import Subject, report, run
from measuring import encoded_frames, statistics_of
from mmrcf.apis import OnlineSegmenter
from mmrcf.apis.init_model import resolve_device
from mmrcf.engine.config import drop_initial_weights, load_config
from mmrcf.export import Parity, result_objects
from mmrcf.media import open_source
from mmrcf.registry import MODELS
from mmrcf.synthetic.stand_in import use_stand_ins
from mmrcf.utils import describe_machine, write_json
from mmrcf.utils.markdown import write_between_markers
from performance_page import gpu_table

WARMUP = 10  # the first frames of a stream are compiled one by one
TRAINING_STEPS, TRAINING_WARMUP = 6, 2
# Random weights give low scores: with this threshold all queries are active, the most that masks can cost.
ALL_ACTIVE = {'model.score_thr': 0.001}


def time_frame(config: str, mode: str, args: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """Times of a frame, decoded, in milliseconds, and the peak of the device's memory."""
    with peak_memory(device) as peak:
        segmenter = OnlineSegmenter(config, device=device, cfg_options=ALL_ACTIVE, **MODES[mode])
        subject = Subject(mode, segmenter)
        decoding = run([subject], encoded_frames(None, args.size), args.frames, WARMUP)
    figures = report(subject, decoding, stream_fps=30.0)
    step = statistics_of(subject.totals)
    return dict(precision=segmenter.precision, p50=step.p50, p95=step.p95, objects=figures['objects'], **peak)


def time_training(path: str, size: tuple[int, int], device: torch.device) -> dict[str, Any]:
    """Milliseconds of a training step of one clip, on a GPU in mixed precision."""
    config = load_config(path)
    drop_initial_weights(config)
    init_default_scope(config.get('default_scope', 'mmrcf'))
    if device.type == 'cuda':
        config.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    with tempfile.TemporaryDirectory() as folder:
        use_stand_ins(config, Path(folder), size=size[::-1])
        config.train_dataloader.update(batch_size=1, num_workers=0, persistent_workers=False)
        batch = next(iter(Runner.build_dataloader(config.train_dataloader, seed=0)))
    with peak_memory(device) as peak:
        model = MODELS.build(config.model).to(device).train()
        wrapper = build_optim_wrapper(model, config.optim_wrapper)
        times = []
        for _ in range(TRAINING_STEPS):
            started = time.perf_counter()
            model.train_step(batch, wrapper)
            if device.type == 'cuda':
                torch.cuda.synchronize(device)
            times.append(1e3 * (time.perf_counter() - started))
    clip = len(batch['inputs']['img'][0])
    return dict(p50=statistics_of(times[TRAINING_WARMUP:]).p50, frames=clip, **peak)


def parity(name: str, mode: str, frames: int, device: torch.device) -> dict[str, float]:
    """A shipped model on its sample clip: on the device, compared with float32 on the CPU."""
    on_cpu = OnlineSegmenter(name, device='cpu', precision='fp32')
    here = OnlineSegmenter(name, device=device, **MODES[mode])
    found = Parity()
    with open_source(str(SHIPPED_MODELS[name].sample_path)) as source:
        for frame in itertools.islice(source, frames):
            found.add(*(result_objects(each.step(frame.image, time=frame.time)) for each in (on_cpu, here)))
    return found.to_dict()


@contextlib.contextmanager
def peak_memory(device: torch.device) -> Iterator[dict[str, float]]:
    """A dict that has ``peak_mib``, the most memory of a GPU that the block took, when it ends; empty on a CPU."""
    peak: dict[str, float] = {}
    if device.type == 'cuda':
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    yield peak
    if device.type == 'cuda':
        peak['peak_mib'] = torch.cuda.max_memory_allocated(device) / 2**20


def measure(args: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """All figures; what was left out for lack of time is in ``left_out``."""
    ends = time.monotonic() + 60 * args.minutes
    figures: dict[str, Any] = dict(frames={}, training={}, parity={}, left_out=[])

    def add(kind: str, keys: Sequence[str], function, *arguments: object) -> None:
        if time.monotonic() > ends:
            figures['left_out'].append(', '.join((kind, *keys)))
            return
        torch._dynamo.reset()  # or the graphs of the model before stay in memory
        place = figures[kind]
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        try:
            place[keys[-1]] = function(*arguments)
        except torch.cuda.OutOfMemoryError as error:
            raise InputError(
                f'{", ".join(keys)}: the GPU has too little memory; leave it out with --configs'
            ) from error
        print(kind, *keys, place[keys[-1]], flush=True)

    for mode in args.modes:
        add('parity', (mode,), parity, args.parity, mode, args.frames, device)
    names = {Path(config).stem: config for config in args.configs}
    for name, config in names.items():
        add('training', (name,), time_training, config, args.size, device)
    for mode in args.modes:  # compilation, which takes longest, comes last
        for name, config in names.items():
            add('frames', (name, mode), time_frame, config, mode, args, device)
    return figures


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write what the command line says; without options, the files of docs/."""
    args = parse_args(arguments)
    device = resolve_device(args.device)
    figures = dict(machine=describe_machine(device), size=list(args.size), **measure(args, device))
    if args.json is None and args.page is None:
        args.json, args.page = ROOT / 'docs/performance/gpu.json', ROOT / 'docs/performance.md'
    if args.json:
        write_json(args.json, figures)
    if args.page:
        write_between_markers(Path(args.page), 'gpu', gpu_table(dict(gpu=figures)))
    print(gpu_table(dict(gpu=figures)))


if __name__ == '__main__':
    main()
