"""Measure what a run over a video takes beside the model: reading, drawing and writing.

``python tools/benchmarks/whole_run.py CONFIG --checkpoint FILE --input VIDEO --json outputs/whole_run.json``

It is the run of ``demo/video_demo.py`` with both outputs, a video and the tracks.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from mmrcf.command_line import add_cfg_options, add_json, add_precision, add_runtime, add_threads, start_program
from mmrcf.errors import InputError, exit_on_bad_input

STAGES = {
    'read': 'read and decode',
    'preprocess': 'preprocess',
    'network': 'network',
    'track': 'track',
    'masks': 'masks',
    'draw': 'draw',
    'write': 'encode and write',
}
"""Stages of a frame in their order, and how the table calls them."""
WARMUP = 5
"""Frames at the start of the video that do not count."""


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Time of a whole run over a video, by stage')
    parser.add_argument('config', help='config file, an exported .onnx file, or the name of a shipped model')
    parser.add_argument('--checkpoint', help='its weights')
    parser.add_argument('--input', required=True, metavar='VIDEO', help='video file or folder of images')
    add_precision(parser, of='CONFIG')
    add_runtime(parser)
    add_threads(parser)
    add_cfg_options(parser)
    add_json(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import torch

from measuring import prepare_process, statistics_of
from mmrcf.apis import RCFInferencer
from mmrcf.utils import describe_machine, write_json
from mmrcf.utils.markdown import markdown_table


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line."""
    args = parse_args(arguments)
    prepare_process(args.threads)
    inferencer = RCFInferencer(
        args.config,
        args.checkpoint,
        device='cpu',
        cfg_options=args.cfg_options,
        precision=args.precision,
        runtime=args.runtime,
    )
    frames, whole = [], []
    with tempfile.TemporaryDirectory() as folder:
        outputs = dict(out=Path(folder, 'run.mp4'), json=Path(folder, 'run.json'))
        started = time.perf_counter()
        for result in inferencer.stream(args.input, **outputs):
            frames.append(result.timings)
            whole.append(1e3 * (time.perf_counter() - started))
            started = time.perf_counter()
        finishing = 1e3 * (time.perf_counter() - started)
    if len(frames) <= WARMUP:
        raise InputError(f'input {args.input}: has {len(frames)} frames, expected more than {WARMUP}')
    # An encoder holds frames back, which it writes when the video ends.
    whole = [milliseconds + finishing / len(frames) for milliseconds in whole[WARMUP:]]
    frames = frames[WARMUP:]
    stages = {name: statistics_of([timings[name] for timings in frames]) for name in STAGES}
    step = statistics_of([timings['total'] for timings in frames])
    run = statistics_of(whole)
    rows = [[title, f'{stages[name].mean:.1f}'] for name, title in STAGES.items()]
    rows += [['step of the model', f'{step.mean:.1f}'], ['whole run', f'{run.mean:.1f}']]
    print(markdown_table(['mean ms a frame', ''], rows))
    print(f'{1e3 / run.mean:.1f} FPS; a frame of the run takes {run.mean / step.mean:.2f} times a step of the model')
    if args.json:
        write_json(
            args.json,
            dict(
                machine=describe_machine(torch.device('cpu')),
                config=args.config,
                input=args.input,
                setup=inferencer.segmenter.setup,
                stages={name: asdict(values) for name, values in stages.items()},
                step=asdict(step),
                whole=asdict(run),
            ),
        )


if __name__ == '__main__':
    main()
