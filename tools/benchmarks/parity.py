"""Compare the results of a fast path and of the plain one. Both run over the test set of a config, frame by frame.

``python tools/benchmarks/parity.py CONFIG CHECKPOINT --compile``
"""

import argparse
from collections.abc import Sequence

from mmrcf.command_line import add_cfg_options, add_device, add_frame_limit, add_json, add_split, start_program
from mmrcf.errors import exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='The model as its config builds it beside the optimized one')
    parser.add_argument('config', help='config file; its data set and metrics are used')
    parser.add_argument('checkpoint', help='weights')
    parser.add_argument('--compile', action='store_true', help='compile the optimized one too')
    add_split(parser)
    add_frame_limit(parser)
    add_device(parser)
    add_json(parser)
    add_cfg_options(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.apis import init_model
from mmrcf.engine.config import load_config, set_threads
from mmrcf.export import Parity, evaluate_side_by_side
from mmrcf.optimization import compile_network, optimize_for_inference
from mmrcf.utils import keep_freed_memory, write_json


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Compare with the options of the command line."""
    args = parse_args(arguments)
    config = load_config(args.config, args.cfg_options)
    set_threads(config)
    keep_freed_memory()
    plain, fast = (init_model(config, args.checkpoint, args.device) for _ in range(2))
    optimize_for_inference(fast)
    if args.compile:
        compile_network(fast)
    figures = evaluate_side_by_side(config, {'eager': plain, 'fast': fast}, args.split, args.frames)
    print(Parity(**figures['parity']))
    if args.json:
        write_json(args.json, figures)


if __name__ == '__main__':
    main()
