"""Simulate a camera that is faster than the model: age of the results, and dropped frames.

``python tools/benchmarks/live.py CONFIG CHECKPOINT --source-fps 60 --model-fps 10 --seconds 60``
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmrcf.command_line import add_device, add_json, add_threads, start_program
from mmrcf.errors import exit_on_bad_input

ROOT = Path(__file__).resolve().parents[2]


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Simulate a camera that is faster than the model')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', nargs='?', help='its weights (default: random ones)')
    parser.add_argument('--clip', default=str(ROOT / 'demo/shapes.mp4'), help='frames of the camera, repeated')
    parser.add_argument('--source-fps', type=float, default=60.0, help='rate of the camera (default: 60)')
    parser.add_argument('--model-fps', type=float, help='slow the model down to this rate')
    parser.add_argument('--seconds', type=float, default=60.0, help='length of the stream (default: 60)')
    add_threads(parser)
    add_device(parser)
    add_json(parser)
    args = parser.parse_args(arguments)
    rates = [args.source_fps, args.seconds, *([] if args.model_fps is None else [args.model_fps])]
    if min(rates) <= 0:
        parser.error('--source-fps, --model-fps and --seconds: expected more than 0')
    return args


if __name__ == '__main__':
    start_program(parse_args)

from measuring import prepare_process, statistics_of
from mmrcf.apis import OnlineSegmenter
from mmrcf.media import Frame, FrameSource, LiveSource, open_source
from mmrcf.utils import describe_machine, resident_mib, write_json

SETTLED = 20


class PacedSource(FrameSource):
    """Frames of a clip, again and again, at a rate of one's own on the wall clock.

    Args:
        clip: What :func:`~mmrcf.media.open_source` takes; all its frames are kept in memory.
        fps: Frames a second.
        seconds: When the stream ends.

    Attributes:
        started: ``time.perf_counter()`` of time 0; None before the first frame.
    """

    def __init__(self, clip: str, fps: float, seconds: float) -> None:
        with open_source(clip) as source:
            self._describe_as(source)
            self._images = [frame.image for frame in source]
        self.name, self.fps, self.num_frames = f'{clip} as a camera', fps, None
        self._count = round(fps * seconds)
        self.started: float | None = None

    def __iter__(self) -> Iterator[Frame]:
        self.started = time.perf_counter()
        for index in range(self._count):
            due = self.started + index / self.fps
            time.sleep(max(0.0, due - time.perf_counter()))
            yield Frame(self._images[index % len(self._images)], index / self.fps, index)


def run(segmenter: OnlineSegmenter, camera: PacedSource, model_fps: float | None) -> dict[str, Any]:
    """Answer a camera until it ends.

    Args:
        segmenter: The model.
        camera: The camera.
        model_fps: The model is slowed down to this rate; None: it runs as fast as it does.

    Returns:
        Frames answered and dropped, the age of a frame when its answer is there, time of the model (milliseconds), and
        the growth of memory (MiB).
    """
    ages, times, memory = [], [], []
    with LiveSource(camera) as source:
        for frame in source:
            started = time.perf_counter()
            segmenter.step(frame.image, time=frame.time)
            if model_fps is not None:
                time.sleep(max(0.0, 1 / model_fps - (time.perf_counter() - started)))
            finished = time.perf_counter()
            times.append(1e3 * (finished - started))
            ages.append(1e3 * (finished - camera.started - frame.time))
            memory.append(resident_mib())
        dropped = source.dropped
    settled = memory[min(SETTLED, len(memory) - 1) :]
    age, model = statistics_of(ages), statistics_of(times)
    return dict(
        answered=len(ages),
        dropped=dropped,
        age_ms=dict(asdict(age), max=max(ages)),
        model_ms=asdict(model),
        oldest_answer_in_model_times=max(ages) / model.p50,
        p95_age_in_model_times=age.p95 / model.p50,
        memory_growth_mib=max(settled) - settled[0],
    )


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Run and report with the options of the command line."""
    args = parse_args(arguments)
    prepare_process(args.threads)
    segmenter = OnlineSegmenter(args.config, args.checkpoint, args.device)
    camera = PacedSource(args.clip, args.source_fps, args.seconds)
    figures = run(segmenter, camera, args.model_fps)
    print(
        f'{figures["answered"]} frames answered, {figures["dropped"]} dropped to keep up; age of a frame at its '
        f'answer: p50 {figures["age_ms"]["p50"]:.0f} ms, max {figures["age_ms"]["max"]:.0f} ms, '
        f'{figures["oldest_answer_in_model_times"]:.2f} model times; '
        f'memory grew by {figures["memory_growth_mib"]:.1f} MiB'
    )
    if args.json:
        write_json(
            args.json,
            dict(
                machine=describe_machine(segmenter.device),
                source_fps=args.source_fps,
                model_fps=args.model_fps,
                seconds=args.seconds,
                **figures,
            ),
        )


if __name__ == '__main__':
    main()
