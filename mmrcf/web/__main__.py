"""Serve a page to drop a video on: masks and track IDs appear while the model runs.

mmrcf-web                        # the shipped models
mmrcf-web CONFIG CHECKPOINT      # and a model of your own
mmrcf-web MODEL.onnx             # and one of tools/export/onnx_export.py
"""

import argparse
import functools
import threading
from collections.abc import Sequence
from pathlib import Path

from mmrcf.command_line import add_device, start_program
from mmrcf.errors import InputError, exit_on_bad_input, interrupted_once
from mmrcf.shipped_models import SHIPPED_MODELS

from .limits import Limits


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser('mmrcf-web', description=__doc__.splitlines()[0])
    parser.add_argument(
        'config',
        nargs='?',
        help='config file; or an ONNX model or the name of one of docs/model_zoo.md, which need no checkpoint',
    )
    parser.add_argument('checkpoint', nargs='?', help='weights of the config')
    add_device(parser)
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen on; 0.0.0.0: all (default: %(default)s)',
    )
    parser.add_argument('--port', type=int, default=7860, help='0 for a free one (default: %(default)s)')
    defaults = Limits()
    parser.add_argument(
        '--max-upload', type=int, default=defaults.upload_mib, metavar='MIB', help='default: %(default)s MiB'
    )
    parser.add_argument(
        '--max-seconds',
        type=float,
        default=defaults.seconds,
        metavar='SECONDS',
        help='the rest of a longer video is left out (default: %(default)s)',
    )
    parser.add_argument(
        '--max-size',
        type=int,
        default=defaults.side,
        metavar='PIXELS',
        help='limit of the longer side of the frames; larger ones are scaled down (default: %(default)s)',
    )
    parser.add_argument(
        '--visitors', type=int, default=defaults.visitors, help='runs at the same time (default: %(default)s)'
    )
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.apis import RCFInferencer
from mmrcf.apis.init_model import ONNX_SUFFIX
from mmrcf.model_index import listed_model
from mmrcf.utils import keep_freed_memory, require_file

from .server import serve


def model_builders(args: argparse.Namespace) -> dict:
    """What makes each model of the page: that of the command line, then the shipped ones whose weights are here.

    Raises:
        InputError: A config comes without a checkpoint, a file is missing, or there is no model at all.
    """
    shipped = {name: name for name, model in SHIPPED_MODELS.items() if model.checkpoint_path.is_file()}
    own = {}
    if args.config is not None:
        listed = listed_model(args.config)
        if listed is None:
            require_file(args.config, 'config')
        if args.checkpoint is not None:
            require_file(args.checkpoint, 'checkpoint')
        elif listed is None and not args.config.endswith(ONNX_SUFFIX):
            raise InputError(f'config {args.config}: comes without a checkpoint; give CONFIG CHECKPOINT')
        own = {args.config if listed else Path(args.config).stem: args.config}
    if not own and not shipped:
        raise InputError('models: no shipped weights are here; give CONFIG CHECKPOINT or MODEL.onnx')
    return {
        name: functools.partial(RCFInferencer, config, args.checkpoint if config == args.config else None, args.device)
        for name, config in (own | shipped).items()
    }


@exit_on_bad_input
def main() -> None:
    """Serve the page until Ctrl-C."""
    args = parse_args()
    keep_freed_memory()
    limits = Limits(upload_mib=args.max_upload, seconds=args.max_seconds, side=args.max_size, visitors=args.visitors)
    with interrupted_once(), serve(model_builders(args), limits, args.host, args.port) as address:
        print(f'serving on {address} (Ctrl-C ends)', flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print('stopped')


if __name__ == '__main__':
    main()
