"""Segment and track the objects of a video, an image folder, a camera or a stream.

python demo/video_demo.py                                        # the sample clip with the weights that come with it
python demo/video_demo.py INPUT CONFIG CHECKPOINT --out out.mp4  # your own
python demo/video_demo.py INPUT MODEL.onnx --out out.mp4         # a model of tools/export/onnx_export.py
"""

import argparse
import logging
import signal
import sys
from pathlib import Path

from mmrcf.apis import RCFInferencer
from mmrcf.apis.init_model import ONNX_SUFFIX
from mmrcf.errors import InputError, exit_on_bad_input
from mmrcf.utils import keep_freed_memory

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_CLIP = str(ROOT / 'demo/shapes.mp4')
EXIT_INTERRUPTED = 130


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'input',
        nargs='?',
        default=SAMPLE_CLIP,
        help='video file, image, folder of images, glob, camera number or stream URL (default: the sample clip)',
    )
    parser.add_argument(
        'config',
        nargs='?',
        help='config file, or an ONNX model, which needs no checkpoint (default: configs/shapes/rcf_r18_shapes.py)',
    )
    parser.add_argument('checkpoint', nargs='?', help='its weights (default: demo/checkpoints/rcf_r18_shapes.pth)')
    parser.add_argument('--out', metavar='FILE', help='video with the objects drawn in and the sound of the input')
    parser.add_argument(
        '--audio',
        default='auto',
        metavar='SOUND',
        help='what a model that hears listens to: auto (the sound of the input), none, a file, mic or mic:NAME',
    )
    parser.add_argument(
        '--show-attention', choices=['audio'], help='draw where in the frame a model that hears finds the sound'
    )
    parser.add_argument('--json', metavar='FILE', help='tracks in the layout of YouTube-VIS')
    parser.add_argument('--show', action='store_true', help='show the frames in a window; q or Esc stops')
    parser.add_argument('--device', default='cpu', help='cpu, cuda, cuda:1 ... (default: cpu)')
    parser.add_argument('--score-thr', type=float, help="lowest score that is shown (default: the config's)")
    parser.add_argument('--max-size', type=int, metavar='PIXELS', help='limit of the longer side of the frames')
    parser.add_argument('--fps', type=float, help='frames a second of image files (default: 6)')
    args = parser.parse_args()
    if not (args.out or args.json or args.show):
        args.out, args.json = 'outputs/demo.mp4', 'outputs/demo.json'
    return args


@exit_on_bad_input
def main() -> None:
    """Run the model over the input, write what was asked for and sum up in one line."""
    args = parse_args()
    keep_freed_memory()
    logging.basicConfig(format='%(levelname)s: %(message)s')
    # Ended from outside (kill, timeout), it finishes its files as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if args.config is None and args.input.endswith(ONNX_SUFFIX):
        args.input, args.config = SAMPLE_CLIP, args.input
    if args.config is None:
        args.config = str(ROOT / 'configs/shapes/rcf_r18_shapes.py')
        args.checkpoint = str(ROOT / 'demo/checkpoints/rcf_r18_shapes.pth')
    elif args.checkpoint is None and not args.config.endswith(ONNX_SUFFIX):
        raise InputError(f'config {args.config}: comes without a checkpoint; give INPUT CONFIG CHECKPOINT')
    options = {} if args.score_thr is None else {'model.score_thr': args.score_thr}
    inferencer = RCFInferencer(args.config, args.checkpoint, args.device, options)
    summary = inferencer(
        args.input,
        out=args.out,
        json=args.json,
        show=args.show,
        audio=args.audio,
        show_attention=args.show_attention == 'audio',
        fps=args.fps,
        max_size=args.max_size,
        progress=True,
    )
    for output in (args.out, args.json):
        if output and Path(output).exists():
            print(f'wrote {output}')
    print(summary)
    if summary.interrupted:
        sys.exit(EXIT_INTERRUPTED)


if __name__ == '__main__':
    main()
