"""Measure how much other processes slow a model down, for each way in which its threads can wait for each other.

``python tools/benchmarks/busy.py CONFIG --json outputs/busy.json``

Each way of waiting has a process of its own, since it is fixed when torch is imported. They take turns of some frames:
on the machine as it is, which should be quiet; the same processes beside others that compute without a pause; and
processes that are started beside these.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from mmrcf.command_line import add_cfg_options, add_json, add_size, add_threads, start_program
from mmrcf.errors import InputError, exit_on_bad_input, interrupted_once
from mmrcf.threads import THREADS, WAIT_VARIABLES, ThreadAdapter, free_cores

POLICIES = {
    'programs': {},
    'library': {'GOMP_SPINCOUNT': '300000'},
    'passive': {'OMP_WAIT_POLICY': 'passive'},
    'single': {'OMP_NUM_THREADS': '1'},
}
"""Variables of the environment by name: none, so that ``start_program`` sets them; the default of libgomp, which a
program has that does not set them; no spinning at all; one thread, which waits for none."""
ADAPTED = 'programs'
"""The one that adapts the number of its threads, as programs do."""
LOADS = ('quiet', 'later', 'busy')
"""No load, load that comes after the start, load from the start on."""
TURN = 20
"""Frames of a turn."""
TURN_BEGINS = 'turn'
PAUSE = 0.005
"""Seconds between two turns, in which the threads of the last one fall asleep."""


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Time of a frame on a quiet and on a busy machine')
    parser.add_argument('config', help='config file, or an exported .onnx file')
    add_size(parser, 'size of made-up frames', (640, 360), least=16)
    parser.add_argument(
        '--frames',
        type=int,
        default=8 * TURN,
        help=f'measured frames under each load, in turns of {TURN} (default: {8 * TURN})',
    )
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

from measuring import busy_processes, prepare_process, statistics_of
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
    most = torch.get_num_threads() if args.policy == [ADAPTED] else 1
    with ThreadAdapter(torch.set_num_threads, most) as threads:
        for index, line in enumerate(sys.stdin):
            if line.strip() == TURN_BEGINS:
                threads.restart()  # while others had their turn, this process saw their load
            threads.update()
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

    def take_turn(self, frames: int) -> list[float]:
        """Milliseconds of so many frames, one after the other."""
        return [self._step('' if index else TURN_BEGINS) for index in range(frames)]

    def _step(self, message: str) -> float:
        self._process.stdin.write(f'{message}\n')
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith('ms '):
                return float(line.split()[1])
        raise InputError('a process that was measured has ended; see above')

    def __exit__(self, *_exc_info: object) -> None:
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()


def measure(
    policies: Mapping[str, Mapping[str, str]], arguments: Sequence[str], frames: int, busy: int
) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each frame, by name of the policy and by load, of which ``busy`` processes are one.

    A process has its first turn under each load for itself; it does not count.
    """
    times: dict[str, dict[str, list[float]]] = {name: {load: [] for load in LOADS} for name in policies}

    def started(stack: contextlib.ExitStack) -> dict[str, Server]:
        servers = {}
        for name, environment in policies.items():
            servers[name] = stack.enter_context(Server([*arguments, '--policy', name], environment))
            servers[name].take_turn(TURN)  # the next one would take its start for load
        return servers

    def take_turns(servers: Mapping[str, Server], load: str) -> None:
        for start in range(0, frames, TURN):
            for name, server in servers.items():
                time.sleep(PAUSE)
                times[name][load] += server.take_turn(min(TURN, frames - start))

    with contextlib.ExitStack() as stack:
        servers = started(stack)
        take_turns(servers, 'quiet')
        with busy_processes(busy):
            for server in servers.values():
                server.take_turn(TURN)
            take_turns(servers, 'later')
    with busy_processes(busy), contextlib.ExitStack() as stack:
        take_turns(started(stack), 'busy')
    return times


def summary(times: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """Mean milliseconds, how many times slower beside others, and the time by that of the first one.

    Means, since the scheduler moves a thread from a core that it shares to one of its own and back: a frame has one of
    two times, and a median would be either.
    """
    means = {name: {load: statistics_of(loads[load]).mean for load in LOADS} for name, loads in times.items()}
    first = next(iter(means.values()))
    figures = {}
    for name, mean in means.items():
        slower = {load: mean[load] / mean['quiet'] for load in LOADS[1:]}
        of_first = {load: mean[load] / first[load] for load in LOADS}
        figures[name] = dict(ms=mean, slower=slower, of_first=of_first, frames=len(times[name]['quiet']))
    return figures


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line."""
    args = parse_args(arguments)
    if args.serve:
        serve(args)
        return
    kept = {name: value for name, value in os.environ.items() if name not in (*WAIT_VARIABLES, THREADS)}
    given = list(sys.argv[1:] if arguments is None else arguments)
    busy = args.busy or free_cores()
    policies = {name: kept | POLICIES[name] for name in args.policy}
    with interrupted_once():  # SIGTERM ends what it has started too
        figures = summary(measure(policies, given, args.frames, busy))
    rows = [
        [name, *(f'{row["ms"][load]:.1f}' for load in LOADS), *(f'{ratio:.2f}' for ratio in row['slower'].values())]
        for name, row in figures.items()
    ]
    print(markdown_table(['threads', *(f'{load}, ms' for load in LOADS), 'later: slower', 'busy: slower'], rows))
    if args.json:
        machine = describe_machine(torch.device('cpu'))
        write_json(args.json, dict(machine=machine, config=args.config, busy_processes=busy, policies=figures))


if __name__ == '__main__':
    main()
