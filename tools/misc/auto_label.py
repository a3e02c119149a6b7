"""Label videos with a model, so that a smaller one can be trained on them: no labelling by hand.

``python tools/misc/auto_label.py my_video.mp4 my_videos/*.mp4 --teacher real --out data/auto``

Confident, stable tracks become objects, uncertain ones ignored regions (``crowds='ignore'`` of the data set), the rest
is background. An interrupted run continues where it stopped: give the same command again.
"""

import argparse
from collections.abc import Sequence

from mmrcf.command_line import add_device, add_max_size, start_program
from mmrcf.defaults import LabelRules
from mmrcf.errors import exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Label videos with the tracks of a model')
    parser.add_argument('videos', nargs='+', help='video files, folders of images or of videos, globs')
    parser.add_argument(
        '--teacher', required=True, metavar='MODEL', help='name of a model, or a config: any model that runs a stream'
    )
    parser.add_argument('--checkpoint', metavar='FILE', help='weights of the teacher where it is a config')
    parser.add_argument('--out', required=True, metavar='FOLDER', help='folder of the data set')
    parser.add_argument('--classes', nargs='+', metavar='NAME', help='classes to label (default: all of the teacher)')
    rules = LabelRules()
    for option, meaning in (
        ('accept-thr', 'lowest score of an object'),
        ('ignore-thr', 'lowest score of an ignored region'),
        ('min-frames', 'least number of frames of an object'),
        ('min-presence', 'least share of the frames from its first to its last in which an object is detected'),
        ('min-class-share', 'least share of its frames in which an object has its class'),
    ):
        default = getattr(rules, option.replace('-', '_'))
        parser.add_argument(f'--{option}', type=type(default), default=default, help=f'{meaning} (default: {default})')
    parser.add_argument('--every', type=int, default=1, metavar='N', help='label each Nth frame (default: 1)')
    add_max_size(parser)
    parser.add_argument('--force', action='store_true', help='label videos again that are labelled already')
    add_device(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.apis import OnlineSegmenter
from mmrcf.apis.auto_label import AutoLabeller, list_videos
from mmrcf.media import require_source
from mmrcf.utils import counted, keep_freed_memory


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Label with the options of the command line, and count what came out."""
    args = parse_args(arguments)
    keep_freed_memory()
    videos = list_videos(args.videos)
    for video in videos:
        require_source(video)
    rules = LabelRules(
        accept_thr=args.accept_thr,
        ignore_thr=args.ignore_thr,
        min_frames=args.min_frames,
        min_presence=args.min_presence,
        min_class_share=args.min_class_share,
        classes=tuple(args.classes) if args.classes else None,
    )
    segmenter = OnlineSegmenter(args.teacher, args.checkpoint, device=args.device)
    teacher = ' '.join(filter(None, (args.teacher, args.checkpoint)))
    labeller = AutoLabeller(segmenter, args.out, rules, args.every, args.max_size, args.force, teacher)
    counts = labeller.run(videos)
    print(
        f'{args.out}/instances.json: {counted(counts["videos"], "video")} ({counts["labelled_before"]} labelled '
        f'before) with {counted(counts["frames"], "frame")}: {counted(counts["objects"], "object")}, '
        f'{counted(counts["ignored"], "ignored region")}; look at {args.out}/contact_sheet.jpg'
    )
    if not counts['objects']:
        print('no track became an object: nothing can be learnt from these labels; lower --accept-thr or --min-frames')


if __name__ == '__main__':
    main()
