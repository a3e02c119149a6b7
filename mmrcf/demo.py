"""Segment and track the objects of a video, an image folder, a camera or a stream.

mmrcf-demo my_video.mp4                          # people, animals and vehicles
mmrcf-demo --model shapes                        # another shipped model, here on its sample clip
mmrcf-demo INPUT CONFIG CHECKPOINT --out out.mp4  # your own model
mmrcf-demo INPUT minvis_r50_coco --out out.mp4   # a model of docs/model_zoo.md, weights are downloaded
mmrcf-demo INPUT MODEL.onnx --out out.mp4        # a model of tools/export/onnx_export.py
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from mmrcf.command_line import add_device, add_json, add_precision, add_runtime, add_source_options, start_program
from mmrcf.errors import EXIT_INTERRUPTED, InputError, exit_on_bad_input, interrupted_once
from mmrcf.shipped_models import DEFAULT_MODEL, SHIPPED_MODELS
from mmrcf.urls import source_name


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser('mmrcf-demo', description=__doc__.splitlines()[0])
    parser.add_argument(
        'input',
        nargs='?',
        help='video file, image, folder of images, glob, pipe (- for the standard input), camera number or stream URL '
        '(default: a sample clip)',
    )
    parser.add_argument(
        'config',
        nargs='?',
        help='config file; or an ONNX model or the name of one of docs/model_zoo.md, which need no checkpoint',
    )
    parser.add_argument('checkpoint', nargs='?', help='weights of the config: a file or its address')
    purposes = '; '.join(f'{model.name}: {model.purpose}' for model in SHIPPED_MODELS.values())
    parser.add_argument(
        '--model',
        metavar='NAME',
        help=f'a shipped model: {purposes}; or one of docs/model_zoo.md (default: {DEFAULT_MODEL})',
    )
    parser.add_argument(
        '--out',
        metavar='FILE',
        help='video with the objects drawn in and the audio of the input (without --out, --json and --show: '
        'outputs/demo.mp4, and outputs/demo.json for the tracks)',
    )
    parser.add_argument(
        '--show-attention', choices=['audio'], help='draw the audio-to-pixel attention of an audio-visual model'
    )
    add_json(parser, 'the tracks, in the layout of YouTube-VIS,')
    parser.add_argument('--show', action='store_true', help='show the frames in a window; q or Esc stops')
    add_device(parser)
    add_precision(parser)
    add_runtime(parser)
    parser.add_argument('--score-thr', type=float, help="lowest score that is shown (default: the config's)")
    add_source_options(
        parser, audio='audio for an audio-visual model: auto (that of the input), none, a file, mic or mic:NAME'
    )
    args = parser.parse_args(arguments)
    if not (args.out or args.json or args.show):
        args.out, args.json = 'outputs/demo.mp4', 'outputs/demo.json'
    return args


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.apis import RCFInferencer
from mmrcf.apis.init_model import ONNX_SUFFIX, require_model
from mmrcf.media import require_source
from mmrcf.utils import keep_freed_memory

SAMPLE_CLIP = str(SHIPPED_MODELS[DEFAULT_MODEL].sample_path)
"""Input of a model without a sample clip."""


def choose_model(args: argparse.Namespace) -> None:
    """Set ``args.config`` or ``args.model``, a shipped model; leave ``args.input`` None for a sample clip.

    Raises:
        InputError: Two models are named, none has that name, or a config has no checkpoint.
    """
    if args.config is None and args.input is not None and args.input.endswith(ONNX_SUFFIX):
        args.input, args.config = None, args.input
    if args.model is not None and args.config is not None:
        raise InputError(f'--model {args.model}: config {args.config} is given too; leave one of them out')
    if args.model is not None and args.model not in SHIPPED_MODELS:
        args.config, args.model = args.model, None
    if args.config is not None:
        require_model(args.config, args.checkpoint)
        return
    args.model = args.model or DEFAULT_MODEL


def sample_clip(classes: tuple[str, ...]) -> str:
    """The sample clip of the shipped model with these classes."""
    clips = [model.sample_path for model in SHIPPED_MODELS.values() if model.classes == classes]
    return str(clips[0]) if clips else SAMPLE_CLIP


def model_line(args: argparse.Namespace, classes: tuple[str, ...]) -> str:
    """Which model runs, with its classes and files."""
    names = ', '.join(classes) or 'classes without names'
    if args.model is not None:
        model = SHIPPED_MODELS[args.model]
        return f'model: {model.name} ({names}), {model.config}, {model.checkpoint}'
    files = ', '.join(source_name(part) for part in (args.config, args.checkpoint) if part)
    return f'model: {files} ({names})'


@exit_on_bad_input
def main() -> None:
    """Run the model over the input, write the outputs and print a summary of one line.

    After SIGTERM (kill, timeout) or SIGHUP (a closed terminal) the outputs are finished as after Ctrl-C.
    """
    args = parse_args()
    with interrupted_once():
        run(args)


def run(args: argparse.Namespace) -> None:
    """Run the model as the command line says."""
    keep_freed_memory()
    logging.basicConfig(format='%(levelname)s: %(message)s')
    choose_model(args)
    if args.input is not None:
        require_source(args.input)
    before = {output: _state(output) for output in (args.out, args.json) if output}
    inferencer = RCFInferencer(
        args.model or args.config,
        args.checkpoint,
        args.device,
        precision=args.precision,
        runtime=args.runtime,
        adapt_threads=True,
    )
    classes = inferencer.segmenter.classes
    print(model_line(args, classes))
    if args.input is None:
        args.input = sample_clip(classes)
        print(f'input: {args.input} (sample clip)')
    summary = inferencer(
        args.input,
        out=args.out,
        json=args.json,
        show=args.show,
        score_thr=args.score_thr,
        audio=args.audio,
        show_attention=args.show_attention == 'audio',
        fps=args.fps,
        max_size=args.max_size,
        max_pixels=args.max_pixels,
        progress=True,
    )
    for output, state in before.items():
        if _state(output) != state:  # not where a run was interrupted before its first frame
            print(f'wrote {output}')
    print(summary)
    if summary.interrupted:
        sys.exit(EXIT_INTERRUPTED)


def _state(path: str) -> tuple[int, int] | None:
    """What changes when a file is written; None where there is none."""
    status = Path(path).stat() if Path(path).exists() else None
    return status and (status.st_ino, status.st_mtime_ns)


if __name__ == '__main__':
    main()
