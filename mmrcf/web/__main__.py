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

from mmrcf.command_line import add_device, add_precision, add_runtime, start_program, whole_number
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
    add_precision(parser)
    add_runtime(parser)
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on; 0.0.0.0: all (default: %(default)s)')
    parser.add_argument('--port', type=whole_number(0), default=7860, help='0 for a free one (default: %(default)s)')
    defaults = Limits()
    for option, metavar, default, meaning in (
        ('--max-upload', 'MIB', defaults.upload_mib, 'size of an upload in MiB'),
        ('--max-seconds', 'SECONDS', int(defaults.seconds), 'the rest of a longer video is left out'),
        ('--max-size', 'PIXELS', defaults.side, 'limit of the longer side of the frames; larger ones are scaled down'),
        ('--visitors', 'N', defaults.visitors, 'runs at the same time'),
    ):
        parser.add_argument(
            option, type=whole_number(1), default=default, metavar=metavar, help=f'{meaning} (default: {default})'
        )
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.apis import RCFInferencer
from mmrcf.apis.init_model import require_model
from mmrcf.model_index import listed_model
from mmrcf.utils import keep_freed_memory

from .server import serve


def model_builders(args: argparse.Namespace) -> dict:
    """What makes each model of the page: that of the command line, then the shipped ones whose weights are here.

    Raises:
        InputError: A config comes without a checkpoint, a file is missing, the runtime has no ONNX file, or there is no
            model at all.
    """
    build = functools.partial(RCFInferencer, device=args.device, precision=args.precision, adapt_threads=True)
    shipped = {
        name: functools.partial(build, name)
        for name, model in SHIPPED_MODELS.items()
        if model.checkpoint_path.is_file()
    }
    own = {}
    if args.config is not None:
        require_model(args.config, args.checkpoint)
        build_own = functools.partial(build, args.config, args.checkpoint, runtime=args.runtime)
        own = {args.config if listed_model(args.config) else Path(args.config).stem: build_own}
    elif args.runtime != 'onnxruntime':
        raise InputError(f'--runtime {args.runtime}: is for ONNX files; give MODEL.onnx')
    if not own and not shipped:
        raise InputError('models: no shipped weights are here; give CONFIG CHECKPOINT or MODEL.onnx')
    return own | {name: model for name, model in shipped.items() if name not in own}


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
