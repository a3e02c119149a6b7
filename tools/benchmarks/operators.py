"""Measure the time of a step by operator, with PyTorch's profiler.

``python tools/benchmarks/operators.py CONFIG --json outputs/operators.json``
"""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

from mmrcf.command_line import add_json, add_optimize, add_size, add_threads, start_program
from mmrcf.errors import exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Operators of a step by the time that they take')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', nargs='?', help='its weights (default: random ones)')
    add_size(parser, 'size of made-up frames', (640, 360), least=16)
    parser.add_argument('--frames', type=int, default=5, help='frames that are profiled (default: 5)')
    parser.add_argument('--top', type=int, default=12, help='operators to list (default: 12)')
    add_threads(parser)
    add_optimize(parser)
    add_json(parser)
    args = parser.parse_args(arguments)
    if min(args.frames, args.top) < 1:
        parser.error('--frames and --top: expected at least 1')
    return args


if __name__ == '__main__':
    start_program(parse_args)

import torch
from torch.autograd.profiler_util import EventList
from torch.profiler import ProfilerActivity, profile

from measuring import encoded_frames, prepare_process
from mmrcf.apis import OnlineSegmenter
from mmrcf.utils import describe_machine, write_json
from mmrcf.utils.markdown import markdown_table

WARMUP = 3


def profile_steps(segmenter: OnlineSegmenter, size: tuple[int, int], frames: int) -> EventList:
    """What the profiler saw in ``frames`` steps of a running stream."""
    source = encoded_frames(None, size).frames
    for image, _ in itertools.islice(source, WARMUP):
        segmenter.step(image)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for image, _ in itertools.islice(source, frames):
            segmenter.step(image)
    return profiler.key_averages()


def shares(events: EventList, frames: int, top: int) -> list[dict[str, object]]:
    """The ``top`` operators by their own time, and the sum of the others: milliseconds and calls a frame, and share."""
    total = sum(event.self_cpu_time_total for event in events)
    ranked = sorted(events, key=lambda event: -event.self_cpu_time_total)
    rows = [(event.key, event.self_cpu_time_total, event.count) for event in ranked[:top]]
    others = ranked[top:]
    rows.append(('others', sum(e.self_cpu_time_total for e in others), sum(e.count for e in others)))
    return [
        dict(operator=name, milliseconds=1e-3 * spent / frames, calls=round(calls / frames), share=spent / total)
        for name, spent, calls in rows
    ]


def table(rows: Sequence[dict[str, object]]) -> str:
    """``rows`` of :func:`shares` as Markdown."""
    cells = [
        [f'`{row["operator"]}`', f'{row["milliseconds"]:.1f}', str(row['calls']), f'{100 * row["share"]:.0f} %']
        for row in rows
    ]
    return markdown_table(['operator', 'ms a frame', 'calls', 'share'], cells)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Profile with the options of the command line."""
    args = parse_args(arguments)
    prepare_process(args.threads)
    segmenter = OnlineSegmenter(args.config, args.checkpoint, 'cpu', precision='fp32', optimize=args.optimize)
    rows = shares(profile_steps(segmenter, args.size, args.frames), args.frames, args.top)
    print(table(rows))
    if args.json:
        figures = dict(
            machine=describe_machine(torch.device('cpu')),
            config=Path(args.config).name,
            size=list(args.size),
            optimized=args.optimize,
            operators=rows,
        )
        write_json(args.json, figures)


if __name__ == '__main__':
    main()
