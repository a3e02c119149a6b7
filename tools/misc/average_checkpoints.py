"""Average the weights of checkpoints of one training, or of trainings that start from the same weights.

``python tools/misc/average_checkpoints.py a.pth b.pth --out average.pth``

The first file says which weights there are; one that a later file lacks (the context of a model that began without) is
averaged over those that have it. What is averaged often does better on new data than any of its parts (Wortsman et al.,
"Model soups", ICML 2022).
"""

import argparse
from collections.abc import Sequence

import torch
from torch import Tensor

from mmrcf.apis.checkpoint import read_checkpoint
from mmrcf.errors import InputError, exit_on_bad_input
from mmrcf.utils import atomic_output


def average(files: Sequence[str], contents: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each weight of the first content over the contents that have it; counters are those of the first.

    Raises:
        InputError: A weight has two shapes, or a file has none of the first one's weights.
    """
    first = contents[0]
    for file, content in zip(files, contents, strict=True):
        if not first.keys() & content.keys():
            raise InputError(f'checkpoint {file}: has no weight that {files[0]} has; give checkpoints of one model')
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


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Average the weights of checkpoints')
    parser.add_argument('checkpoints', nargs='+', help="two or more; what is said of the training is the first one's")
    parser.add_argument('--out', required=True, metavar='FILE', help='checkpoint to write')
    args = parser.parse_args(arguments)
    if len(args.checkpoints) < 2:
        parser.error(f'checkpoints: got {args.checkpoints}, expected at least two')
    return args


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Average as the command line says."""
    args = parse_args(arguments)
    contents = [read_checkpoint(path) for path in args.checkpoints]
    weights = average(args.checkpoints, [content['state_dict'] for content in contents])
    meta = contents[0]['meta'] | dict(averaged=list(args.checkpoints))
    with atomic_output(args.out) as temporary:
        torch.save(dict(state_dict=weights, meta=meta), temporary)
    print(f'{args.out}: {len(weights)} tensors, the mean of {len(contents)} checkpoints')


if __name__ == '__main__':
    main()
