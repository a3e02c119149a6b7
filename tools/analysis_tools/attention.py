"""Draw the attention of the parts of a model, or print its shares on target, references and audio.

``python tools/analysis_tools/attention.py CONFIG CHECKPOINT INPUT --show references --out FILE.png``
``python tools/analysis_tools/attention.py CONFIG CHECKPOINT INPUT --show audio --out FILE.mp4``
``python tools/analysis_tools/attention.py CONFIG CHECKPOINT --encoder-share --json FILE.json``
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict

from figure_options import add_figure_options

from mmrcf.command_line import add_cfg_options, add_device, add_json, add_split, add_table, start_program
from mmrcf.errors import InputError, exit_on_bad_input

FIGURES = {
    'audio': 'audio-to-pixel attention over the frames',
    'audio-pair': 'objects without and with audio, and the attention of the audio',
    'weight': 'weight map W of the references',
    'target': 'attention of the target tokens on the target',
    'references': 'attention of the reference tokens on the target',
    'log-mel': 'log-mel spectrogram of the clip',
}
WITH_OTHER = ('target', 'references', 'audio-pair')
"""Figures of two models."""


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Pictures and figures of attention')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('input', nargs='?', help='what demo/video_demo.py takes: a video, a folder, a camera ...')
    parser.add_argument('--out', metavar='FILE', help='the figure: a video, or an image of one frame')
    parser.add_argument(
        '--show',
        choices=FIGURES,
        default='audio',
        help='; '.join(f'{name}: {what}' for name, what in FIGURES.items()) + ' (default: audio)',
    )
    parser.add_argument(
        '--other', nargs=2, metavar=('CONFIG', 'CHECKPOINT'), help='a second model: beside the first one'
    )
    add_figure_options(parser)
    parser.add_argument('--layer', type=int, default=-1, help='layer of the encoder, from 0 (default: the last one)')
    parser.add_argument('--tracks', action='store_true', help='draw outlines and labels of the objects too')
    parser.add_argument(
        '--attention-share',
        action='store_true',
        help='print the shares of the attention of the instance queries, over a split',
    )
    parser.add_argument(
        '--encoder-share',
        action='store_true',
        help='print the shares of the attention of the target tokens, over a split',
    )
    add_split(parser, 'split for the shares')
    add_json(parser, 'the shares')
    add_table(parser, 'attention, or encoder,')
    add_device(parser)
    add_cfg_options(parser, 'the configs')
    args = parser.parse_intermixed_args(arguments)
    modes = bool(args.input) + args.attention_share + args.encoder_share
    if modes != 1 or bool(args.out) != bool(args.input):
        parser.error('give either INPUT with --out FILE, for a picture, or --attention-share, or --encoder-share')
    if args.other and (args.attention_share or (args.input and args.show not in WITH_OTHER)):
        parser.error(f'--other: only with --encoder-share, or --show {" or ".join(WITH_OTHER)}')
    return args


if __name__ == '__main__':
    start_program(parse_args)

from attention_figures import describe, make_figure
from frame_figures import write_figure
from log_mel_figure import draw_log_mel
from mmengine.config import Config
from mmengine.runner import Runner
from tqdm import tqdm

from mmrcf.apis import init_model
from mmrcf.engine.config import load_config, set_up_process
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.engine.loops import FrameStream
from mmrcf.engine.stages import require_data
from mmrcf.models import RCF
from mmrcf.utils import counted, write_json
from mmrcf.utils.markdown import markdown_table, write_between_markers
from mmrcf.visualization import AttentionShares, AttentionSummary, EncoderShares, EncoderSummary
from mmrcf.visualization.attention_recorder import TOKEN_KINDS


def run_over_split(model: RCF, config: Config, split: str, add: Callable[[dict], None]) -> None:
    """Run ``model`` over all frames of a split of ``config``; ``add`` gets what the metrics read of each."""
    loader = config.get(f'{split}_dataloader')
    if not loader:
        raise InputError(f'config {config.filename}: has no {split}_dataloader; add one')
    require_data([config], loaders=(f'{split}_dataloader',))
    with explained_config_errors(config):
        frames = Runner.build_dataloader(loader, seed=0)
    stream = FrameStream(model)
    for data_batch in tqdm(frames, unit='frame'):
        add(stream.process(data_batch))


def measure_shares(model: RCF, config: Config, split: str) -> AttentionSummary:
    """Attention shares of the instance queries of ``model``, over all frames of a split of ``config``."""
    with AttentionShares(model) as shares:
        run_over_split(model, config, split, lambda record: shares.add(record['queries']))
    return shares.summary()


def measure_encoder_shares(model: RCF, config: Config, split: str) -> EncoderSummary:
    """Attention shares of the target tokens in the encoder of ``model``, over all frames of a split of ``config``."""
    with EncoderShares(model) as shares:
        run_over_split(model, config, split, lambda _record: shares.add())
    return shares.summary()


def encoder_table(summaries: dict[str, EncoderSummary]) -> str:
    """A Markdown table in percent, with a row for each layer of each model."""
    rows = []
    for name, summary in summaries.items():
        counts = ' + '.join(f'{count:.4g}' for count in summary.tokens)
        rows.append([f'{name}: equal attention to {counts} tokens', *_percent(summary.even)])
        rows += [
            [f'{name}: target tokens, layer {number}', *_percent(shares)]
            for number, shares in enumerate(summary.target, start=1)
        ]
    frames = next(iter(summaries.values())).frames
    caption = f'Percent of the self-attention of the target tokens; mean over {frames} frames.'
    return f'{caption}\n\n{markdown_table(["", *TOKEN_KINDS], rows)}'


def share_table(summary: AttentionSummary) -> str:
    """A Markdown table in percent, with a row for each layer."""
    rows = [['equal attention to every token', *_percent(summary.even)]]
    for number, shares in enumerate(summary.queries, start=1):
        rows.append([f'layer {number}, all queries', *_percent(shares)])
        if summary.active is not None:
            rows.append([f'layer {number}, active queries', *_percent(summary.active[number - 1])])
    caption = (
        f'Percent of the cross-attention; mean over {summary.frames} frames ({summary.frames_with_audio} of them with '
        f'audio), with {summary.objects} objects above the score threshold.'
    )
    return f'{caption}\n\n{markdown_table(["", *TOKEN_KINDS], rows)}'


def _percent(shares: Sequence[float]) -> list[str]:
    return [f'{100 * share:.1f}' for share in shares]


def load(config_path: str, checkpoint: str, args: argparse.Namespace) -> tuple[RCF, Config]:
    """A model and its config.

    Raises:
        InputError: The model is no RCF.
    """
    config = load_config(config_path, args.cfg_options)
    set_up_process(config)
    model = init_model(config, checkpoint, args.device)
    if not isinstance(model, RCF):
        raise InputError(
            f'config {config_path}: {type(model).__name__} has no context fusion and no instance queries; give that of '
            'an RCF'
        )
    return model, config


def report(table: str, content: dict, marker: str, args: argparse.Namespace) -> None:
    """Print a table; write it and its content where the command line says."""
    print(table)
    if args.json:
        write_json(args.json, content)
    if args.table:
        write_between_markers(args.table, marker, table)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the figure or measure the shares."""
    args = parse_args(arguments)
    models = [load(args.config, args.checkpoint, args)]
    if args.other:
        models.append(load(*args.other, args))
    if args.attention_share:
        summary = measure_shares(*models[0], args.split)
        report(share_table(summary), asdict(summary), 'attention', args)
    elif args.encoder_share:
        names = describe([model for model, _ in models])
        summaries = {
            name: measure_encoder_shares(model, config, args.split)
            for name, (model, config) in zip(names, models, strict=True)
        }
        content = {name: asdict(summary) for name, summary in summaries.items()}
        report(encoder_table(summaries), content, 'encoder', args)
    else:
        if args.show == 'log-mel':
            draw_log_mel(args, models[0][0])
            print(f'wrote {args.out}')
            return
        with make_figure(args, models[0][0], models[1][0] if args.other else None) as figure:
            count = write_figure(figure, args)
            print(f'wrote {args.out}: {counted(count, "frame")}{figure.note}')


if __name__ == '__main__':
    main()
