"""Evaluate an exported model on a data set of a config, and compare it frame by frame with the model it was made from.

``python tools/export/evaluate_onnx.py CONFIG FILE.onnx --against CHECKPOINT``
"""

import argparse
import contextlib
import json
from collections.abc import Sequence

from mmrcf.command_line import (
    add_cfg_options,
    add_device,
    add_frame_limit,
    add_json,
    add_precision,
    add_runtime,
    add_split,
    start_program,
)
from mmrcf.errors import exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Evaluate an exported model on a data set of a config')
    parser.add_argument('config', help='config file; its data set and metrics are used')
    parser.add_argument('model', metavar='FILE.onnx', help='what tools/export/onnx_export.py wrote')
    add_split(parser)
    parser.add_argument(
        '--against', metavar='CHECKPOINT', help='run PyTorch with these weights on the same frames and compare'
    )
    add_device(parser)
    add_precision(parser, of='openvino')
    add_runtime(parser)
    add_frame_limit(parser)
    add_json(parser)
    add_cfg_options(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.apis import init_model
from mmrcf.engine.config import load_config, set_threads
from mmrcf.export import Parity, evaluate_side_by_side, is_open_option, open_onnx
from mmrcf.utils import atomic_output


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate with the options of the command line."""
    args = parse_args(arguments)
    config = load_config(args.config, args.cfg_options)
    set_threads(config)
    open_options = {name: value for name, value in (args.cfg_options or {}).items() if is_open_option(name)}
    models = {
        'exported': open_onnx(
            args.model, None, open_options, runtime=args.runtime, device=args.device, precision=args.precision
        )
    }
    if args.against:
        models = {'pytorch': init_model(config, args.against, 'cpu'), **models}
    with contextlib.ExitStack() as stack:
        # Opened before the evaluation, so that a path that cannot be written to fails at once.
        json_file = stack.enter_context(atomic_output(args.json)) if args.json else None
        figures = evaluate_side_by_side(config, models, args.split, args.frames)
        if json_file:
            json_file.write_text(json.dumps(figures, indent=2) + '\n', encoding='utf-8')
    for name in models:
        for key, value in figures[name].items():
            print(f'{name:<10}{key:<24}{value:.4g}')
    if args.against:
        print(Parity(**figures['parity']))


if __name__ == '__main__':
    main()
