"""Measure the time of a model from an encoded frame to its final masks, by stage, and compare it with other models.

``python tools/benchmarks/latency.py CONFIG --size 640x360 --baseline OTHER_CONFIG --json outputs/latency.json``
"""

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

from mmrcf.command_line import (
    add_cfg_options,
    add_device,
    add_json,
    add_optimize,
    add_precision,
    add_runtime,
    add_size,
    add_threads,
    start_program,
)
from mmrcf.errors import exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Time from an encoded frame to its masks, stage by stage')
    parser.add_argument('config', help='config file, or an exported .onnx file')
    parser.add_argument('--checkpoint', help='its weights (default: random ones)')
    parser.add_argument('--input', help='video file or folder of images (default: made-up frames of --size)')
    add_size(parser, 'size of made-up frames', (640, 360), least=16)
    parser.add_argument('--frames', type=int, default=40, help='measured frames (default: 40)')
    parser.add_argument(
        '--warmup', type=int, default=5, help='frames before these, which are not measured (default: 5)'
    )
    add_device(parser)
    add_precision(parser, of='CONFIG')
    add_runtime(parser)
    parser.add_argument('--compile', action='store_true', help='compile the network of CONFIG')
    add_optimize(parser, 'CONFIG')
    add_cfg_options(parser, 'CONFIG')
    add_threads(parser)
    parser.add_argument('--stream-fps', type=float, default=30.0, help='rate of the stream, for the latency')
    parser.add_argument(
        '--baseline',
        nargs='+',
        default=[],
        metavar='CONFIG',
        help='configs to compare with (fp32, eager; random weights, but for CONFIG itself)',
    )
    parser.add_argument('--optimize-baselines', action='store_true', help='optimize them for inference too')
    parser.add_argument('--busy', type=int, default=0, help='processes beside it that compute without a pause')
    add_json(parser)
    args = parser.parse_args(arguments)
    if args.frames < 1 or args.warmup < 1 or args.busy < 0:
        parser.error('--frames and --warmup: expected at least 1, --busy at least 0')
    if args.stream_fps <= 0:
        parser.error('--stream-fps: expected more than 0')
    return args


if __name__ == '__main__':
    start_program(parse_args)

import numpy as np
import torch
from tqdm import tqdm

from measuring import (
    EncodedFrames,
    PartTimer,
    busy_processes,
    encoded_frames,
    paired_ratio,
    prepare_process,
    statistics_of,
)
from mmrcf.apis import OnlineSegmenter
from mmrcf.export import ExportedModel
from mmrcf.utils import describe_machine, peak_mib, write_json
from mmrcf.utils.markdown import markdown_table

STAGES = ('preprocess', 'network', 'track', 'masks')
"""Parts of a step that every model reports; they do not overlap."""
SAMPLE_RATE = 16000


class Subject:
    """One model with one stream, timed frame by frame. An audio-visual model gets noise at 16 kHz along.

    Args:
        name: For the report.
        segmenter: The stream.
        stream_fps: Frames a second: how much audio comes with a frame.

    Attributes:
        totals: Milliseconds from a decoded frame to its masks, of every measured frame.
        stages: The same by stage.
        parts: Milliseconds of the network's parts, of every frame that :meth:`measure_parts` saw.
        backbone_shares: What part of such a frame's time the backbone had; empty where the model has none to be seen.
        num_objects: Number of objects in every measured frame: masks and tracks cost by the object.
    """

    def __init__(self, name: str, segmenter: OnlineSegmenter, stream_fps: float = 30.0) -> None:
        self.name = name
        self.segmenter = segmenter
        segmenter.model.times_parts = True
        self._noise = None
        if segmenter.uses_audio:
            count = max(1, round(SAMPLE_RATE / stream_fps))
            self._noise = np.random.default_rng(0).normal(0, 0.1, count).astype(np.float32)
        self.totals: list[float] = []
        self.stages: dict[str, list[float]] = {}
        self.parts: dict[str, list[float]] = {}
        self.backbone_shares: list[float] = []
        self.num_objects: list[int] = []

    def warm_up(self, frame: np.ndarray) -> None:
        """Run a frame that does not count."""
        self.segmenter.step(frame, self._noise)

    def measure(self, frame: np.ndarray) -> None:
        """Run a frame that counts."""
        started = perf_counter()
        result = self.segmenter.step(frame, self._noise)
        self.totals.append(1e3 * (perf_counter() - started))
        self.num_objects.append(len(result))
        for stage in STAGES:
            if stage in result.timings:
                self.stages.setdefault(stage, []).append(result.timings[stage])

    def measure_parts(self, frame: np.ndarray, timer: PartTimer) -> None:
        """Run a frame under ``timer``."""
        timer.reset()
        total = self.segmenter.step(frame, self._noise).timings['total']
        if 'backbone' in timer.milliseconds:
            self.backbone_shares.append(timer.milliseconds['backbone'] / total)
        for name, milliseconds in timer.milliseconds.items():
            if name not in ('data_preprocessor',):
                self.parts.setdefault(name, []).append(milliseconds)

    @property
    def device(self) -> torch.device:
        """Where the model runs."""
        return next(self.segmenter.model.parameters(), torch.zeros(0)).device


def run(subjects: Sequence[Subject], source: EncodedFrames, frames: int, warmup: int) -> list[float]:
    """Let the subjects take turns, frame by frame.

    Returns:
        Milliseconds that decoding took, of every measured frame.
    """
    for image, _ in itertools.islice(source.frames, warmup):
        for subject in subjects:
            subject.warm_up(image)
    decoding = []
    for image, milliseconds in tqdm(itertools.islice(source.frames, frames), total=frames, unit='frame'):
        decoding.append(milliseconds)
        for subject in subjects:
            subject.measure(image)
    # Apart from the above: the timer itself costs time, above all on a GPU.
    for subject in subjects:
        with PartTimer(subject.segmenter.model) as timer:
            for image, _ in itertools.islice(source.frames, max(1, frames // 4)):
                subject.measure_parts(image, timer)
    return decoding


def report(subject: Subject, decoding: Sequence[float], stream_fps: float) -> dict[str, Any]:
    """The figures of a subject. Times are in milliseconds."""
    end_to_end = [spent + total for spent, total in zip(decoding, subject.totals, strict=True)]
    whole = statistics_of(end_to_end)
    stages = {'decode': decoding, **subject.stages}
    figures = dict(
        name=subject.name,
        device=str(subject.device),
        end_to_end=asdict(whole),
        fps=1e3 / whole.p50,
        # Section IV-B: an online method waits for one frame, then for its model.
        latency=dict(stream=1e3 / stream_fps, p50=1e3 / stream_fps + whole.p50, p95=1e3 / stream_fps + whole.p95),
        stages={name: asdict(statistics_of(times)) for name, times in stages.items()},
        parts={name: asdict(statistics_of(times)) for name, times in subject.parts.items()},
        objects=statistics_of(subject.num_objects).p50,
    )
    if subject.backbone_shares:
        figures['share_beside_backbone'] = 1 - statistics_of(subject.backbone_shares).p50
    if subject.device.type == 'cuda':
        figures['peak_device_mib'] = torch.cuda.max_memory_allocated(subject.device) / 2**20
    return figures


def offline_latency(figures: dict[str, Any], clip_length: int) -> dict[str, float] | None:
    """The latency of a model that answers a whole clip at once: N_f (t_stream + t_model), Section IV-B.

    A step of such a model here answers the newest frame of the clip. For the whole clip, decoding, preprocessing,
    backbone and masks take N_f times as long; the rest of the network runs once.

    Args:
        figures: Of :func:`report`.
        clip_length: Frames N_f of the clip.

    Returns:
        ``frames``: N_f; ``model``: t_model, milliseconds for a frame of the clip; ``latency``: milliseconds from the
        begin of the clip to its masks. None where the time of the backbone is not known (a compiled network).
    """
    if 'backbone' not in figures['parts']:
        return None
    stages, backbone = figures['stages'], figures['parts']['backbone']['p50']
    of_each_frame = backbone + sum(stages[name]['p50'] for name in ('decode', 'preprocess', 'masks'))
    of_the_clip = max(0.0, stages['network']['p50'] - backbone)
    model = of_each_frame + of_the_clip / clip_length
    return dict(frames=clip_length, model=model, latency=clip_length * (figures['latency']['stream'] + model))


def stage_table(figures: Sequence[dict[str, Any]]) -> str:
    """Medians in milliseconds, a row for each subject."""
    names = list(dict.fromkeys(name for row in figures for name in (*row['stages'], *row['parts'])))
    header = ['median, ms', 'end to end', 'FPS', 'objects', *(name.replace('_', ' ') for name in names)]
    rows = []
    for row in figures:
        measured = row['stages'] | row['parts']
        cells = [f'{measured[name]["p50"]:.1f}' if name in measured else '' for name in names]
        rows.append(
            [row['name'], f'{row["end_to_end"]["p50"]:.1f}', f'{row["fps"]:.2f}', f'{row["objects"]:.0f}', *cells]
        )
    return markdown_table(header, rows)


def build_subject(args: argparse.Namespace, config: str, is_baseline: bool) -> Subject:
    """A subject: the config under test, or a baseline (fp32, eager, as its config builds it).

    A baseline has the weights under test if it is the same config, else random ones.
    """
    checkpoint = args.checkpoint if config == args.config else None
    options, chosen = None, dict(precision='fp32', optimize=args.optimize_baselines)
    if not is_baseline:
        options = args.cfg_options
        chosen = dict(precision=args.precision, compile=args.compile, optimize=args.optimize)
        if config.endswith('.onnx'):
            chosen['runtime'] = args.runtime
    segmenter = OnlineSegmenter(config, checkpoint, args.device, options, **chosen)
    if isinstance(segmenter.model, ExportedModel):
        notes = [f'exported, {segmenter.setup}']
    else:
        notes = ['optimized' if chosen['optimize'] else 'eager', *(['compiled'] if chosen.get('compile') else [])]
        notes.append(segmenter.precision)
        notes += [] if checkpoint else ['random weights']
    return Subject(f'{Path(config).name} ({", ".join(notes)})', segmenter, args.stream_fps)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line."""
    args = parse_args(arguments)
    prepare_process(args.threads)
    source = encoded_frames(args.input, args.size)
    subjects = [build_subject(args, args.config, is_baseline=False)]
    subjects += [build_subject(args, baseline, is_baseline=True) for baseline in args.baseline]
    clips = [getattr(subject.segmenter.model, 'clip_length', 1) for subject in subjects]
    with busy_processes(args.busy):
        decoding = run(subjects, source, args.frames, max(args.warmup, *clips))  # a clip is full when it counts
    figures = [report(subject, decoding, args.stream_fps) for subject in subjects]
    for row, clip_length in zip(figures, clips, strict=True):
        if clip_length > 1:
            row['offline'] = offline_latency(row, clip_length)
    first = [spent + total for spent, total in zip(decoding, subjects[0].totals, strict=True)]
    ratios, more = {}, {}
    for subject in subjects[1:]:
        other = [spent + total for spent, total in zip(decoding, subject.totals, strict=True)]
        ratios[subject.name] = asdict(paired_ratio(other, first))
        more[subject.name] = asdict(statistics_of([a - b for a, b in zip(other, first, strict=True)]))
    print(stage_table(figures))
    for row in figures:
        if offline := row.get('offline'):
            wait, model = row['latency']['stream'], offline['model']
            print(
                f'{row["name"]} as an offline method: latency {offline["latency"] / 1e3:.2f} s, '
                f'{offline["frames"]} frames x ({wait:.1f} ms to wait + {model:.1f} ms to process)'
            )
    for name, ratio in ratios.items():
        print(f'{subjects[0].name} is {ratio["p50"]:.2f} times as fast as {name} (median of {ratio["count"]} pairs)')
    for name, difference in more.items():
        print(f'{subjects[0].name} takes {-difference["p50"]:+.1f} ms a frame beside {name}')
    memory = peak_mib()
    print(f'peak memory of the process, with all subjects in it: {memory:.0f} MiB')
    if args.json:
        write_json(
            args.json,
            dict(
                machine=describe_machine(subjects[0].device),
                source=source.name,
                size=list(source.size),
                warmup=args.warmup,
                busy_processes=args.busy,
                subjects=figures,
                faster_than=ratios,
                milliseconds_saved=more,
                peak_process_mib=memory,
            ),
        )


if __name__ == '__main__':
    main()
