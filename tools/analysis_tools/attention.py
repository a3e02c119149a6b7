"""Audio-to-pixel attention as a video, and shares of the instance queries' attention on frame, references and audio.

``python tools/analysis_tools/attention.py CONFIG CHECKPOINT INPUT --out FILE.mp4``
``python tools/analysis_tools/attention.py CONFIG CHECKPOINT --attention-share``
"""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from tqdm import tqdm

from mmrcf.apis import OnlineSegmenter, init_model
from mmrcf.engine.command_line import add_cfg_options, add_device, add_json
from mmrcf.engine.config import explained_config_errors, load_config, set_threads
from mmrcf.engine.loops import FrameStream
from mmrcf.errors import InputError, exit_on_bad_input
from mmrcf.media import ImageWriter, VideoWriter, is_image_path, open_source
from mmrcf.models import RCF
from mmrcf.utils import write_json
from mmrcf.utils.markdown import markdown_table, write_between_markers
from mmrcf.visualization import AttentionShares, AttentionSummary, AudioAttention, draw_tracks
from mmrcf.visualization.attention_recorder import TOKEN_KINDS


def measure_shares(model: RCF, config: Config, split: str) -> AttentionSummary:
    """Attention shares of the instance queries of ``model``, over all frames of a split of ``config``."""
    loader = config.get(f'{split}_dataloader')
    if not loader:
        raise InputError(f'config {config.filename}: has no {split}_dataloader; add one')
    with explained_config_errors(config):
        frames = Runner.build_dataloader(loader, seed=0)
    stream = FrameStream(model)
    with AttentionShares(model) as shares:
        for data_batch in tqdm(frames, unit='frame'):
            shares.add(stream.process(data_batch)['slots'])
    return shares.summary()


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


def write_pictures(model: RCF, args: argparse.Namespace) -> tuple[int, int]:
    """Write ``args.out``: the frames of ``args.input`` with audio-to-pixel attention over them.

    Ctrl-C ends the input, which may be a camera, and keeps the frames so far.

    Returns:
        The number of frames, and of those with audio.
    """
    segmenter = OnlineSegmenter(model)
    audio = {'auto': True, 'none': False}.get(args.audio, args.audio)
    with_audio = count = 0
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        attention = stack.enter_context(AudioAttention(model, args.layer))
        source = stack.enter_context(open_source(args.input, audio=audio, fps=args.fps, max_size=args.max_size))
        writer = stack.enter_context((ImageWriter if is_image_path(args.out) else VideoWriter)(args.out, source))
        for frame in tqdm(source, total=source.num_frames, unit='frame'):
            result = segmenter.step(frame.image, frame.audio, time=frame.time)
            with_audio += attention.maps is not None
            count += 1
            picture = attention.picture(frame.image)
            if args.tracks:
                picture = draw_tracks(picture, result, opacity=0.0)
            writer.add(picture, frame.time, frame.audio)
    if count == 0:
        raise InputError(f'input {args.input}: has no frame that can be read; nothing was written')
    return count, with_audio


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Pictures and figures of attention')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('input', nargs='?', help='what demo/video_demo.py takes: a video, a folder, a camera ...')
    parser.add_argument('--out', metavar='FILE', help='video with the attention of the audio over the frames')
    parser.add_argument(
        '--audio', default='auto', metavar='AUDIO', help='auto (the audio of the input), none, or an audio file'
    )
    parser.add_argument('--layer', type=int, default=-1, help='layer of the encoder, from 0 (default: the last one)')
    parser.add_argument('--tracks', action='store_true', help='draw outlines and labels of the objects too')
    parser.add_argument('--fps', type=float, help='frames per second of image files (default: 6)')
    parser.add_argument('--max-size', type=int, metavar='PIXELS', help='limit of the longer side of the frames')
    parser.add_argument(
        '--attention-share', action='store_true', help='measure over a split what the instance queries attend to'
    )
    parser.add_argument('--split', choices=('val', 'test'), default='test', help='split for --attention-share')
    add_json(parser, 'the figures of --attention-share')
    parser.add_argument('--table', metavar='FILE.md', help='and between the attention markers of this Markdown file')
    add_device(parser)
    add_cfg_options(parser)
    args = parser.parse_intermixed_args(arguments)
    if args.attention_share == bool(args.input) or bool(args.out) != bool(args.input):
        parser.error('give either INPUT with --out FILE, for a picture, or --attention-share')
    return args


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Write the video or measure the shares."""
    args = parse_args(arguments)
    config = load_config(args.config, args.cfg_options)
    set_threads(config)
    init_default_scope(config.get('default_scope', 'mmrcf'))
    model = init_model(config, args.checkpoint, args.device)
    if args.attention_share:
        summary = measure_shares(model, config, args.split)
        print(share_table(summary))
        if args.json:
            write_json(args.json, asdict(summary))
        if args.table:
            write_between_markers(args.table, 'attention', share_table(summary))
        return
    count, with_audio = write_pictures(model, args)
    print(f'wrote {args.out}: {count} frames, {with_audio} of them with audio')


if __name__ == '__main__':
    main()
