"""Average the weights of checkpoints of one training, or of trainings that start from the same weights.

``python tools/misc/average_checkpoints.py a.pth b.pth --out average.pth``

The first file must have all weights. If a later file lacks one (the context, in a model that was trained without it),
the average is over the files that have it. The average is often better on new data than each of its parts (Wortsman et
al., "Model soups", ICML 2022).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmrcf.command_line import start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Average the weights of checkpoints')
    parser.add_argument('checkpoints', nargs='+', help='two or more; the meta of the first is kept')
    parser.add_argument('--out', required=True, metavar='FILE', help='checkpoint to write')
    args = parser.parse_args(arguments)
    if len({Path(path).resolve() for path in args.checkpoints}) < max(2, len(args.checkpoints)):
        parser.error(f'checkpoints: got {args.checkpoints}, expected two or more, each once')
    return args


if __name__ == '__main__':
    start_program(parse_args)

import torch
from torch import Tensor

from mmrcf.engine.checkpoint import read_checkpoint
from mmrcf.urls import source_name
from mmrcf.utils import atomic_output, counted


def average(files: Sequence[str], contents: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each weight of the first content over the contents that have it; counters are those of the first.

    Raises:
        InputError: A weight has two shapes, or the first file lacks one.
    """
    first = contents[0]
    for file, content in zip(files, contents, strict=True):
        extra = sorted(content.keys() - first.keys())
        if extra:
            raise InputError(
                f'checkpoint {file}: has {extra[0]}, which {files[0]} lacks; give checkpoints of one model, that with '
                'the most weights first'
            )
    result = {}
    for name, value in first.items():
        values = [(file, content[name]) for file, content in zip(files, contents, strict=True) if name in content]
        for file, other in values:
            if other.shape != value.shape:
                raise InputError(
                    f'checkpoint {file}: {name} has shape {tuple(other.shape)}, in {files[0]} {tuple(value.shape)}; '
                    'give checkpoints of one model'
                )
        if value.is_floating_point():
            value = torch.stack([other.double() for _, other in values]).mean(0).to(value.dtype)
        result[name] = value
    return result


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Average with the options of the command line."""
    args = parse_args(arguments)
    contents = [read_checkpoint(path) for path in args.checkpoints]
    # A release has a list where a training checkpoint has a tuple.
    names = [tuple((content['meta'].get('dataset_meta') or {}).get('classes') or ()) for content in contents]
    for path, classes in zip(args.checkpoints, names, strict=True):
        if classes != names[0]:
            raise InputError(f'checkpoint {path}: has the classes {classes}, {args.checkpoints[0]} has {names[0]}')
    weights = average(args.checkpoints, [content['state_dict'] for content in contents])
    meta = contents[0]['meta'] | dict(averaged=[source_name(path) for path in args.checkpoints])
    with atomic_output(args.out) as temporary:
        torch.save(dict(state_dict=weights, meta=meta), temporary)
    print(f'{args.out}: {counted(len(weights), "tensor")}, the mean of {counted(len(contents), "checkpoint")}')


if __name__ == '__main__':
    main()
