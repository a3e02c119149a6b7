"""Write a release checkpoint from a training checkpoint: weights, config, command and metrics.

``python tools/misc/publish_model.py work_dirs/x/best.pth model.pth --config configs/x.py \\
    --command 'python tools/train.py configs/x.py'``
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmrcf.command_line import start_program
from mmrcf.errors import InputError, exit_on_bad_input
from mmrcf.version import __version__


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Write a release checkpoint from a training checkpoint')
    parser.add_argument('checkpoint', help='checkpoint that training wrote')
    parser.add_argument('out', help='release checkpoint to write')
    parser.add_argument('--command', required=True, help='the command that trained it')
    parser.add_argument(
        '--config', required=True, help='config to put inside: that of the training, or its copy in the work dir'
    )
    parser.add_argument(
        '--metrics',
        nargs='+',
        default=[],
        metavar='NAME=FILE',
        help='files of tools/test.py --json, for example test=m.json',
    )
    parser.add_argument('--data', metavar='TEXT', help='what it was trained on, to put inside')
    parser.add_argument('--licence', metavar='TEXT', help='terms of use that the training data impose, to put inside')
    parser.add_argument('--date', default=time.strftime('%Y-%m-%d'), help='day of the training; default: today')
    parser.add_argument('--half', action='store_true', help='store the weights in half precision')
    parser.add_argument('--max-mib', type=float, default=16.0, metavar='MIB', help='refuse a larger file; default: 16')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import torch
from mmengine.config import Config
from torch import Tensor

from mmrcf.engine.checkpoint import read_checkpoint
from mmrcf.engine.config import load_config
from mmrcf.utils import atomic_output, read_json

MEBIBYTE = 1 << 20
# Fields of a run's config about where it ran, not about what was trained.
_PLACE_FIELDS = ('work_dir', 'load_from', 'resume', 'launcher')


def halved(weights: dict[str, Tensor], origin: str) -> dict[str, Tensor]:
    """Floating-point weights in half precision; loading widens them again."""
    result = {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
    for name, value in result.items():
        if not torch.isfinite(value).all():
            raise InputError(f'checkpoint {origin}: {name} does not fit into half precision; publish without --half')
    return result


def config_text(config: Config) -> str:
    """The whole config as Python, without where it ran."""
    content = {key: value for key, value in config.to_dict().items() if key not in _PLACE_FIELDS}
    return Config(content).pretty_text


def plain_metrics(items: Sequence[str]) -> dict[str, dict[str, float]]:
    """Metrics by the name of the data they were measured on, from ``NAME=FILE`` items."""
    metrics = {}
    for item in items:
        name, separator, path = item.partition('=')
        if not separator:
            raise InputError(f'--metrics {item}: expected NAME=FILE, for example test=metrics.json')
        content = read_json(path, 'metrics file')
        if not isinstance(content, dict) or not all(isinstance(value, int | float) for value in content.values()):
            raise InputError(f'metrics file {path}: expected numbers by name, as tools/test.py --json writes them')
        metrics[name] = {key: float(value) for key, value in content.items() if '/' in key}
    return metrics


def release(args: argparse.Namespace) -> dict[str, Any]:
    """The content of the release checkpoint: tensors and plain values only."""
    content = read_checkpoint(args.checkpoint)
    meta = content['meta']
    config = load_config(args.config)  # never the text in the checkpoint: that would be run
    classes = (meta.get('dataset_meta') or {}).get('classes')
    if not classes:
        raise InputError(
            f'checkpoint {args.checkpoint}: its meta has no dataset_meta.classes; give one that training wrote'
        )
    weights = {name: value.contiguous() for name, value in content['state_dict'].items()}
    return dict(
        state_dict=halved(weights, args.checkpoint) if args.half else weights,
        meta=dict(
            config=config_text(config),
            dataset_meta=dict(classes=[str(name) for name in classes]),
            command=args.command,
            seed=meta.get('seed'),
            iterations=meta.get('iter'),
            date=args.date,
            metrics=plain_metrics(args.metrics),
            versions=dict(mmrcf=__version__, torch=str(torch.__version__)),
            **({'data': args.data} if args.data else {}),
            **({'licence': args.licence} if args.licence else {}),
            **({'averaged': meta['averaged']} if 'averaged' in meta else {}),
        ),
    )


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Publish with the options of the command line."""
    args = parse_args(arguments)
    content = release(args)
    with atomic_output(args.out) as temporary:
        torch.save(content, temporary)
        size = temporary.stat().st_size / MEBIBYTE
        if size > args.max_mib:
            raise InputError(
                f'output {args.out}: would be {size:.1f} MiB, more than {args.max_mib:g}; use --half or --max-mib'
            )
        torch.load(temporary, weights_only=True)  # what a user's loader does: fails here, not at theirs
    print(f'{args.out}: {len(content["state_dict"])} tensors, {Path(args.out).stat().st_size / MEBIBYTE:.2f} MiB')


if __name__ == '__main__':
    main()
