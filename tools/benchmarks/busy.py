"""How much slower a model becomes beside other processes, by how its threads wait for each other.

``python tools/benchmarks/busy.py CONFIG --json outputs/busy.json``

Each way of waiting runs in a process of its own, by turns, first on the machine as it is and then beside processes that
compute without a pause, one for each core. The machine must be quiet otherwise.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmrcf.command_line import add_cfg_options, add_json, add_size, start_program
from mmrcf.errors import exit_on_bad_input
from mmrcf.threads import WAIT_POLICY, free_cores

POLICIES = {
    'programs': {},
    'library': {'GOMP_SPINCOUNT': '300000'},
    'passive': {'GOMP_SPINCOUNT': '0'},
}
"""Environment by name: what ``start_program`` sets, what PyTorch's threads do by themselves (libgomp's default for an
active wait of bounded length), and no spinning at all."""


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Time of a frame on a quiet and on a busy machine')
    parser.add_argument('config', help='config file, or an exported .onnx file')
    add_size(parser, 'size of made-up frames', (640, 360), least=16)
    parser.add_argument('--frames', type=int, default=60, help='frames of each run that count (default: 60)')
    parser.add_argument('--rounds', type=int, default=3, help='runs of each kind (default: 3)')
    parser.add_argument('--busy', type=int, help='busy processes beside it (default: one for each core)')
    parser.add_argument('--policy', nargs='+', choices=POLICIES, default=list(POLICIES), help='default: all')
    add_cfg_options(parser)
    add_json(parser)
    args = parser.parse_args(arguments)
    if min(args.frames, args.rounds) < 1 or (args.busy is not None and args.busy < 1):
        parser.error('--frames, --rounds and --busy: expected at least 1')
    return args


if __name__ == '__main__':
    start_program(parse_args)

import torch

from measuring import statistics_of
from mmrcf.utils import describe_machine, read_json, write_json
from mmrcf.utils.markdown import markdown_table
from page_tools import run_tool

ROOT = Path(__file__).resolve().parents[2]


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


def time_frame(args: argparse.Namespace, environment: dict[str, str]) -> float:
    """Median milliseconds of a frame in a process with these variables of the environment."""
    options = [] if args.cfg_options is None else ['--cfg-options', *(f'{k}={v}' for k, v in args.cfg_options.items())]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / 'latency.json'
        command = ['tools/benchmarks/latency.py', str(Path(args.config).resolve()), '--frames', args.frames]
        command += ['--size', '{}x{}'.format(*args.size), *options, '--json', out]
        run_tool(ROOT, command, environment)
        return read_json(out, 'figures')['subjects'][0]['end_to_end']['p50']


def measure(args: argparse.Namespace, busy: int) -> dict[str, dict[str, list[float]]]:
    """Medians of each round, 'quiet' and 'busy', by policy."""
    times: dict[str, dict[str, list[float]]] = {name: dict(quiet=[], busy=[]) for name in args.policy}
    kept = {name: value for name, value in os.environ.items() if name not in WAIT_POLICY}
    for _ in range(args.rounds):
        for load in ('quiet', 'busy'):
            for name in args.policy:
                with busy_processes(busy if load == 'busy' else 0):
                    times[name][load].append(time_frame(args, kept | POLICIES[name]))
    return times


def summary(times: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """Medians over the rounds, and the ratio of busy and quiet, round by round."""
    figures = {}
    for name, loads in times.items():
        slower = [busy / quiet for busy, quiet in zip(loads['busy'], loads['quiet'], strict=True)]
        figures[name] = dict(
            quiet_ms=statistics_of(loads['quiet']).p50,
            busy_ms=statistics_of(loads['busy']).p50,
            slower=statistics_of(slower).p50,
            rounds=len(slower),
        )
    return figures


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line."""
    args = parse_args(arguments)
    busy = args.busy or free_cores()
    figures = summary(measure(args, busy))
    rows = [[name, *(f'{row[key]:.1f}' for key in ('quiet_ms', 'busy_ms', 'slower'))] for name, row in figures.items()]
    print(markdown_table(['threads', 'quiet, ms', f'beside {busy} busy processes, ms', 'times slower'], rows))
    if args.json:
        machine = describe_machine(torch.device('cpu'))
        write_json(args.json, dict(machine=machine, config=args.config, busy_processes=busy, policies=figures))


if __name__ == '__main__':
    main()
