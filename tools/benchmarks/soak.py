"""Measure memory and time over a long stream.

``python tools/benchmarks/soak.py CONFIG [CHECKPOINT] --frames 10000 --json outputs/soak.json --plot outputs/soak.png``
"""

import argparse
import itertools
from array import array
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from mmrcf.command_line import add_device, add_json, add_precision, add_runtime, add_size, add_threads, start_program
from mmrcf.errors import exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Memory and time over a long stream')
    parser.add_argument('config', help='config file, or an exported .onnx file')
    parser.add_argument('checkpoint', nargs='?', help='its weights (default: random ones)')
    parser.add_argument('--input', help='video file or folder, repeated (default: made-up frames)')
    add_size(parser, 'size of made-up frames', (288, 160), least=16)
    parser.add_argument('--frames', type=int, default=10000, help='length of the stream (default: 10000)')
    add_threads(parser)
    add_device(parser)
    add_precision(parser)
    add_runtime(parser)
    add_json(parser)
    parser.add_argument('--plot', metavar='FILE.png', help='draw time and memory over the frames')
    args = parser.parse_args(arguments)
    if args.frames < 4:
        parser.error('--frames: expected at least 4')
    return args


if __name__ == '__main__':
    start_program(parse_args)

import matplotlib
import numpy as np
from tqdm import tqdm

from measuring import encoded_frames, prepare_process, statistics_of
from mmrcf.apis import OnlineSegmenter
from mmrcf.utils import atomic_output, describe_machine, resident_mib, write_json

matplotlib.use('Agg')

from matplotlib import pyplot

SETTLED = 500
WINDOW = 1000


def soak(segmenter: OnlineSegmenter, source: str | None, size: tuple[int, int], frames: int) -> tuple[array, array]:
    """Run one stream of ``frames`` frames.

    Returns:
        Milliseconds of every frame, and resident memory of the process after it in MiB.
    """
    times, memory = array('f'), array('f')
    encoded = encoded_frames(source, size)
    for image, _ in tqdm(itertools.islice(encoded.frames, frames), total=frames, unit='frame'):
        times.append(segmenter.step(image).timings['total'])
        memory.append(resident_mib())
    return times, memory


def summarise(times: Sequence[float], memory: Sequence[float]) -> dict[str, object]:
    """What a long run has to show: growth of memory after the start, and the last frames' times against the first."""
    settled = min(SETTLED, len(times) // 2)
    window = min(WINDOW, (len(times) - settled) // 2)  # the first and the last have no frame in common
    first, last = statistics_of(times[settled : settled + window]), statistics_of(times[-window:])
    return dict(
        frames=len(times),
        settled_after=settled,
        window=window,
        memory_mib=dict(settled=memory[settled], end=memory[-1], growth=max(memory[settled:]) - memory[settled]),
        first_ms=asdict(first),
        last_ms=asdict(last),
        ratio_of_p50=last.p50 / first.p50,
    )


def plot(times: Sequence[float], memory: Sequence[float], path: str | Path) -> None:
    """Median and 95th percentile of the time of every hundred frames, and memory."""
    step = max(1, len(times) // 100)
    blocks = [times[start : start + step] for start in range(0, len(times) - step + 1, step)]
    centres = [step * (index + 0.5) for index in range(len(blocks))]
    figure, (above, below) = pyplot.subplots(2, 1, sharex=True, figsize=(8, 5))
    above.plot(centres, [np.percentile(block, 50) for block in blocks], label='p50')
    above.plot(centres, [np.percentile(block, 95) for block in blocks], label='p95')
    above.set(ylabel='step (ms)', ylim=(0, None))
    above.legend()
    below.plot(range(len(memory)), memory)
    below.set(xlabel='frame', ylabel='resident memory (MiB)', ylim=(0, 1.2 * max(memory)))
    figure.tight_layout()
    with atomic_output(path) as temporary:
        figure.savefig(temporary, format=Path(path).suffix.lstrip('.') or 'png')
    pyplot.close(figure)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Run and report with the options of the command line."""
    args = parse_args(arguments)
    prepare_process(args.threads)
    segmenter = OnlineSegmenter(
        args.config, args.checkpoint, args.device, precision=args.precision, runtime=args.runtime
    )
    times, memory = soak(segmenter, args.input, args.size, args.frames)
    summary = summarise(times, memory)
    print(
        f'{summary["frames"]} frames; memory grew by {summary["memory_mib"]["growth"]:.1f} MiB after the first '
        f'{summary["settled_after"]}; p50 of the last {summary["window"]} is {summary["ratio_of_p50"]:.3f} of that of '
        f'the first after them ({summary["last_ms"]["p50"]:.1f} ms, {summary["first_ms"]["p50"]:.1f} ms)'
    )
    if args.json:
        write_json(args.json, dict(machine=describe_machine(segmenter.device), setup=segmenter.setup, **summary))
    if args.plot:
        plot(times, memory, args.plot)


if __name__ == '__main__':
    main()
