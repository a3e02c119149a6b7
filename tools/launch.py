"""Start several processes of a program on this machine, as ``torchrun`` does: ``launch.py PROCESSES PROGRAM ...``.

``dist_train.sh`` and ``dist_test.sh`` call it. Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each. A
process that ends with an error has said why; torchrun would add a traceback of its own, which says nothing.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from mmrcf.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED


def meeting_options(environment: dict[str, str]) -> list[str]:
    """The options of torchrun that say where the processes of all machines meet."""
    if environment.get('NNODES', '1') == '1' and not environment.get('PORT'):
        return ['--standalone']  # a free port of its own, so that two runs on one machine do not meet
    return [
        f'--nnodes={environment.get("NNODES", "1")}',
        f'--node_rank={environment.get("NODE_RANK", "0")}',
        f'--master_addr={environment.get("MASTER_ADDR", "127.0.0.1")}',
        f'--master_port={environment.get("PORT") or "29500"}',
    ]


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Start several processes of a program on this machine')
    parser.add_argument('processes', metavar='PROCESSES', help='how many, one for each GPU')
    parser.add_argument('program', metavar='PROGRAM', help='Python file')
    parser.add_argument('arguments', nargs=argparse.REMAINDER, metavar='...', help='what it is given')
    words = list(sys.argv[1:] if arguments is None else arguments)
    first = words[0] if words else '-h'
    # It was left out where an option of the program stands in its place, which argparse would take for one of its own.
    if first not in ('-h', '--help') and not (first.isdecimal() and int(first) > 0):
        parser.exit(EXIT_BAD_INPUT, f'error: PROCESSES: expected a whole number, at least 1, got {first!r}\n')
    return parser.parse_args(words)


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the processes and wait for them; the exit code of the first one that failed, else 0."""
    args = parse_args(arguments)
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    for name in list(logging.root.manager.loggerDict):
        if name.startswith('torch.distributed'):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # how it ends the other processes is of no use to a user
    try:
        meeting = meeting_options(dict(os.environ))
        run.main([*meeting, f'--nproc_per_node={args.processes}', args.program, *args.arguments])
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode == EXIT_BAD_INPUT:
            return EXIT_BAD_INPUT
        ending = f'signal {-failure.exitcode}' if failure.exitcode < 0 else f'exit code {failure.exitcode}'
        print(f'error: process {rank} ended with {ending}; its output above may say why', file=sys.stderr)
        return 1
    except (SignalException, KeyboardInterrupt):
        print('interrupted', file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


if __name__ == '__main__':
    sys.exit(main())
