"""Measure how much other processes slow a model down, for each way in which its threads can wait for each other.

``python tools/benchmarks/busy.py CONFIG --json outputs/busy.json``

Each way of waiting has a process of its own, since it is fixed when torch is imported. They take turns frame by frame:
first on the machine as it is, which should be quiet, then beside processes that compute without a pause.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmrcf.command_line import add_cfg_options, add_json, add_size, add_threads, start_program
from mmrcf.errors import InputError, exit_on_bad_input, interrupted_once
from mmrcf.threads import WAIT_VARIABLES, free_cores

POLICIES = {
    'programs': {},
    'library': {'GOMP_SPINCOUNT': '300000'},
    'passive': {'OMP_WAIT_POLICY': 'passive'},
}
"""Variables of the environment by name: none, so that ``start_program`` sets them; the default of libgomp, which a
program has that does not set them; no spinning at all."""
WARMUP = 5
PAUSE = 0.005
"""Seconds between two turns, in which the threads of the last one fall asleep."""


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Time of a frame on a quiet and on a busy machine')
    parser.add_argument('config', help='config file, or an exported .onnx file')
    add_size(parser, 'size of made-up frames', (640, 360), least=16)
    parser.add_argument('--frames', type=int, default=60, help='measured frames of each process (default: 60)')
    parser.add_argument('--busy', type=int, help='busy processes beside it (default: one for each core)')
    parser.add_argument('--policy', nargs='+', choices=POLICIES, default=list(POLICIES), help='default: all')
    parser.add_argument('--serve', action='store_true', help='run a frame for each line of the standard input')
    add_threads(parser)
    add_cfg_options(parser)
    add_json(parser)
    args = parser.parse_args(arguments)
    if args.frames < 1 or (args.busy is not None and args.busy < 1):
        parser.error('--frames and --busy: expected at least 1')
    return args


if __name__ == '__main__':
    start_program(parse_args)

import numpy as np
import torch

from measuring import paired_ratio, prepare_process, statistics_of
from mmrcf.apis import OnlineSegmenter
from mmrcf.utils import describe_machine, write_json
from mmrcf.utils.markdown import markdown_table


def serve(args: argparse.Namespace) -> None:
    """Run a frame for each line that comes in, and print its milliseconds."""
    prepare_process(args.threads)
    torch.manual_seed(0)
    segmenter = OnlineSegmenter(args.config, device='cpu', cfg_options=args.cfg_options, precision='fp32')
    width, height = args.size
    frames = np.random.default_rng(0).integers(0, 255, (4, height, width, 3), dtype=np.uint8)
    for index, _ in enumerate(sys.stdin):
        print('ms', segmenter.step(frames[index % len(frames)]).timings['total'], flush=True)


class Server:
    """A process that runs :func:`serve`; use it in a ``with`` block.

    Args:
        arguments: Of this command line, for the process.
        environment: All its variables.
    """

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        command = [sys.executable, __file__, *arguments, '--serve']
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._process = subprocess.Popen(command, env=environment, **pipes)

    def __enter__(self) -> 'Server':
        return self

    def step(self) -> float:
        """Milliseconds of the next frame."""
        self._process.stdin.write('\n')
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith('ms '):
                return float(line.split()[1])
        raise InputError('a process that was measured has ended; see above')

    def __exit__(self, *_exc_info: object) -> None:
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()


@contextlib.contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """While the block runs, so many processes compute without a pause."""
    processes = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def measure(
    policies: Mapping[str, Mapping[str, str]], arguments: Sequence[str], frames: int, busy: int
) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each frame by name of the policy: 'quiet', and 'busy' beside so many processes.

    Processes begin under the load under which they are measured, one after the other: a program looks at it once.
    """
    times: dict[str, dict[str, list[float]]] = {name: {} for name in policies}
    for load, count in (('quiet', 0), ('busy', busy)):
        with busy_processes(count), contextlib.ExitStack() as stack:
            servers = {}
            for name, environment in policies.items():
                servers[name] = stack.enter_context(Server(arguments, environment))
                for _ in range(WARMUP):
                    servers[name].step()
                times[name][load] = []
            for _ in range(frames):
                for name, server in servers.items():
                    times[name][load].append(server.step())
                    time.sleep(PAUSE)
    return times


def summary(times: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """Medians, the ratio of busy and quiet, and the ratio to the first one, frame by frame."""
    first = next(iter(times.values()))
    figures = {}
    for name, loads in times.items():
        quiet, busy = (statistics_of(loads[load]) for load in ('quiet', 'busy'))
        figures[name] = dict(quiet_ms=quiet.p50, busy_ms=busy.p50, slower=busy.p50 / quiet.p50, frames=quiet.count)
        figures[name]['of_first'] = {load: paired_ratio(loads[load], first[load]).p50 for load in loads}
    return figures


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line."""
    args = parse_args(arguments)
    if args.serve:
        serve(args)
        return
    kept = {name: value for name, value in os.environ.items() if name not in WAIT_VARIABLES}
    given = list(sys.argv[1:] if arguments is None else arguments)
    busy = args.busy or free_cores()
    policies = {name: kept | POLICIES[name] for name in args.policy}
    with interrupted_once():  # SIGTERM ends what it has started too
        figures = summary(measure(policies, given, args.frames, busy))
    rows = [
        [name, *(f'{row[key]:.1f}' for key in ('quiet_ms', 'busy_ms', 'slower'))]
        + [f'{row["of_first"][load]:.2f}' for load in ('quiet', 'busy')]
        for name, row in figures.items()
    ]
    header = ['threads', 'quiet, ms', f'beside {busy} busy processes, ms', 'times slower', 'of first: quiet', 'busy']
    print(markdown_table(header, rows))
    if args.json:
        machine = describe_machine(torch.device('cpu'))
        write_json(args.json, dict(machine=machine, config=args.config, busy_processes=busy, policies=figures))


if __name__ == '__main__':
    main()
