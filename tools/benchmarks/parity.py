"""Compare the results of a fast path and of the plain one. Both run over the test set of a config, frame by frame.

``python tools/benchmarks/parity.py CONFIG CHECKPOINT --compile``, or ``--round-products``
"""

import argparse
from collections.abc import Sequence
from typing import Any

from mmrcf.command_line import add_cfg_options, add_device, add_frame_limit, add_json, add_split, start_program
from mmrcf.errors import exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='The model as its config builds it beside the optimized one')
    parser.add_argument('config', help='config file; its data set and metrics are used')
    parser.add_argument('checkpoint', help='weights')
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument('--compile', action='store_true', help='compile the optimized one too')
    mode.add_argument(
        '--round-products',
        action='store_true',
        help='instead, round inputs and outputs of products to bfloat16, as on a processor that supports it',
    )
    add_split(parser)
    add_frame_limit(parser)
    add_device(parser)
    add_json(parser)
    add_cfg_options(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from mmrcf.apis import init_model
from mmrcf.engine.config import load_config, set_threads
from mmrcf.export import Parity, evaluate_side_by_side
from mmrcf.models import RCF
from mmrcf.optimization import compile_network, optimize_for_inference
from mmrcf.utils import keep_freed_memory, write_json

# The operators that torch.autocast runs in bfloat16 on a CPU, as far as the models have them.
PRODUCTS = frozenset(
    getattr(torch.ops.aten, name)
    for name in (
        'convolution',
        'mm',
        'addmm',
        'bmm',
        'baddbmm',
        '_scaled_dot_product_flash_attention_for_cpu',
        '_scaled_dot_product_attention_math',
    )
)


class RoundedProducts(TorchDispatchMode):
    """Products of bfloat16 numbers that are summed in float32, on any processor."""

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.overloadpacket not in PRODUCTS:
            return func(*args, **(kwargs or {}))
        return _rounded(func(*_rounded(args), **_rounded(kwargs or {})))


def _rounded(values: Any) -> Any:
    return tree_map_only(
        torch.Tensor, lambda value: value.bfloat16().float() if value.dtype == torch.float32 else value, values
    )


def round_products(model: RCF) -> None:
    """Let every step of a model run under :class:`RoundedProducts`."""
    step = model.step

    def rounded_step(*args: Any, **kwargs: Any) -> Any:
        with RoundedProducts():
            return step(*args, **kwargs)

    model.step = rounded_step


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Compare with the options of the command line."""
    args = parse_args(arguments)
    config = load_config(args.config, args.cfg_options)
    set_threads(config)
    keep_freed_memory()
    plain, fast = (init_model(config, args.checkpoint, args.device) for _ in range(2))
    if args.round_products:
        round_products(fast)
    else:
        optimize_for_inference(fast)
    if args.compile:
        compile_network(fast)
    figures = evaluate_side_by_side(config, {'eager': plain, 'fast': fast}, args.split, args.frames)
    print(Parity(**figures['parity']))
    if args.json:
        write_json(args.json, figures)


if __name__ == '__main__':
    main()
