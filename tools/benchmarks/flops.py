"""Parameters and floating-point operations of a config's model, part by part, for one frame of a running stream.

``python tools/benchmarks/flops.py CONFIG``
"""

import argparse
import copy
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from mmrcf.command_line import add_cfg_options, add_json, add_size, add_table, add_threads, start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Parameters and GFLOPs of a model, part by part')
    parser.add_argument('configs', nargs='+', help='config files')
    add_size(parser, 'frame size', (640, 360))
    parser.add_argument('--rate', action='store_true', help='time the parts too, and print the rate that each reaches')
    add_threads(parser)
    add_json(parser)
    add_table(parser, 'cost')
    add_cfg_options(parser, 'the configs')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.registry import init_default_scope
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from measuring import PartTimer, matrix_product_rate, prepare_process, statistics_of
from mmrcf.engine.config import load_config
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.models import RCF
from mmrcf.models.audio_encoders import PATCH_SHAPE, BaseAudioEncoder
from mmrcf.optimization import optimize_for_inference
from mmrcf.registry import MODELS
from mmrcf.structures import AudioPatch
from mmrcf.utils import write_json
from mmrcf.utils.markdown import markdown_table, write_between_markers

WARMUP = 3
TIMED_STEPS = 9


class PartCounter:
    """Attributes operations to the direct children of a model.

    Args:
        model: The model; what happens outside its children's ``forward`` counts as ``'other'``.
    """

    def __init__(self, model: nn.Module) -> None:
        self._counter = FlopCounterMode(display=False)
        self._parts = {name: 0 for name, child in model.named_children() if any(True for _ in child.parameters())}
        self._start = 0
        for name in self._parts:
            child = getattr(model, name)
            child.register_forward_pre_hook(self._begin)
            child.register_forward_hook(lambda *_, name=name: self._end(name))
        if isinstance(getattr(model, 'audio_encoder', None), BaseAudioEncoder):
            self._count_encode(model.audio_encoder)

    def _count_encode(self, encoder: BaseAudioEncoder) -> None:
        """An audio encoder's other half, which is no ``forward`` of its own."""
        encode = encoder.encode

        def counted(log_mel: Tensor) -> Tensor:
            self._begin()
            features = encode(log_mel)
            self._end('audio_encoder')
            return features

        encoder.encode = counted

    def _begin(self, *_) -> None:
        self._start = self._counter.get_total_flops()

    def _end(self, name: str) -> None:
        self._parts[name] += self._counter.get_total_flops() - self._start

    def count(self, function, *args, **kwargs) -> dict[str, int]:
        """Call ``function`` and return its operations by part."""
        # The counter counts the products inside attention and LSTM, not the fused kernels that the CPU has for them.
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of PyTorch, about how its own switch for the kernels is made
            with self._counter, sdpa_kernel(SDPBackend.MATH), torch.backends.mkldnn.flags(enabled=False):
                function(*args, **kwargs)
        return {**self._parts, 'other': self._counter.get_total_flops() - sum(self._parts.values())}


@torch.no_grad()
def measure(
    config_path: str, size: tuple[int, int], cfg_options: dict[str, Any] | None = None, timed: bool = False
) -> dict[str, Any]:
    """Count one ``step`` of a stream that has all its references.

    Args:
        config_path: The config file.
        size: Width and height of the frame in pixels, before padding.
        cfg_options: Overrides of the config.
        timed: Whether to time the parts too.

    Returns:
        ``config``, ``input`` and ``padded`` ([width, height]), ``parameters`` and ``gflops`` (each a dict by part, with
        ``total``). A multiplication and an addition count as two operations; element-wise operations are not counted.
        With ``timed`` also ``milliseconds`` by part (medians) of the model optimized for inference.
    """
    config = load_config(config_path, cfg_options)
    init_default_scope(config.get('default_scope', 'mmrcf'))
    with explained_config_errors(config):
        model = MODELS.build(config.model)
    if not isinstance(model, RCF):
        raise InputError(f'config {config_path}: model.type={config.model.type!r} is no RCF; give the config of an RCF')
    model.eval().requires_grad_(False)
    width, height = size
    sample = TrackDataSample(
        video_data_samples=[DetDataSample(metainfo=dict(img_shape=(height, width), ori_shape=(height, width)))]
    )
    frame = torch.zeros(1, 3, height, width, dtype=torch.uint8)
    batch = model.data_preprocessor(dict(inputs=dict(img=[frame]), data_samples=[sample]), False)
    image = batch['inputs']['img'][0]
    shapes = dict(img_shape=(height, width), ori_shape=(height, width))
    if model.uses_audio:
        shapes['audio'] = AudioPatch(torch.zeros(1, *PATCH_SHAPE), torch.ones(1, dtype=torch.bool))

    state = model.init_state()
    for _ in range(1 + model.neck.num_references):  # until the stream has all its references
        _, state = model.step(image, state, **shapes)
    if timed:
        optimized = copy.deepcopy(model)
        optimize_for_inference(optimized)
        times = _part_times(optimized, lambda: optimized.step(image, state, **shapes))
    flops = PartCounter(model).count(model.step, image, state, **shapes)

    parameters = {name: sum(p.numel() for p in child.parameters()) for name, child in model.named_children()}
    parameters = {name: count for name, count in parameters.items() if count}
    figures = dict(
        config=str(config_path),
        input=[width, height],
        padded=[image.shape[-1], image.shape[-2]],
        parameters={**parameters, 'total': sum(p.numel() for p in model.parameters())},
        gflops={name: round(count / 1e9, 6) for name, count in {**flops, 'total': sum(flops.values())}.items()},
    )
    return figures | (dict(milliseconds=times) if timed else {})


def _part_times(model: RCF, step: Callable[[], object]) -> dict[str, float]:
    times: dict[str, list[float]] = {}
    with PartTimer(model) as timer:
        for index in range(WARMUP + TIMED_STEPS):
            timer.reset()
            started = perf_counter()
            step()
            if index >= WARMUP:
                for name, spent in {**timer.milliseconds, 'total': 1e3 * (perf_counter() - started)}.items():
                    times.setdefault(name, []).append(spent)
    return {name: statistics_of(values).p50 for name, values in times.items()}


def table(rows: list[dict[str, Any]]) -> str:
    """A Markdown table with a line for each of ``rows``, the results of :func:`measure`."""
    parts = list(dict.fromkeys(part for row in rows for part in row['gflops'] if part not in ('other', 'total')))
    width, height = rows[0]['input']
    lines = [
        f'Parameters (millions) / GFLOPs of one step at {width}x{height}; a multiply-add counts as two operations.',
        '',
        '| config | ' + ' | '.join(part.replace('_', ' ') for part in [*parts, 'total']) + ' |',
        '|---' * (len(parts) + 2) + '|',
    ]
    for row in rows:
        cells = [
            f'{row["parameters"].get(part, 0) / 1e6:.2f} / {row["gflops"].get(part, 0):.1f}'
            for part in [*parts, 'total']
        ]
        lines.append(f'| `{Path(row["config"]).name}` | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def rate_table(rows: list[dict[str, Any]], best: float) -> str:
    """A Markdown table of the rate that each part reaches, beside that of a plain matrix product."""
    parts = list(dict.fromkeys(part for row in rows for part in row['milliseconds']))
    cells = []
    for row in rows:
        line = [f'`{Path(row["config"]).name}`']
        for part in parts:
            spent = row['milliseconds'].get(part)
            gflops = row['gflops'].get(part, 0)
            line.append('' if spent is None else f'{spent:.0f} ms, {1e3 * gflops / spent:.0f}')
        cells.append(line)
    caption = (
        f'Median milliseconds of a step and GFLOP/s that it reaches, by part; {torch.get_num_threads()} threads. A '
        f'product of two matrices reaches {best:.0f} GFLOP/s here. Operations are those of the plain convolutions, of '
        "which Winograd's algorithm saves a part."
    )
    return f'{caption}\n\n{markdown_table(["config", *(part.replace("_", " ") for part in parts)], cells)}'


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line."""
    args = parse_args(arguments)
    prepare_process(args.threads)
    rows = [measure(config, args.size, args.cfg_options, args.rate) for config in args.configs]
    print(table(rows))
    if args.rate:
        best = matrix_product_rate(torch.device('cpu'))
        print()
        print(rate_table(rows, best))
        rows = [row | dict(matrix_product_gflops=best, threads=torch.get_num_threads()) for row in rows]
    if args.json:
        write_json(args.json, rows)
    if args.table:
        write_between_markers(args.table, 'cost', table(rows))


if __name__ == '__main__':
    main()
