"""Export tracks in the layout of YouTube-VIS, as demo/video_demo.py --json writes them, to another format.

``python tools/dataset_converters/export_tracks.py outputs/demo.json mot --out outputs/demo.txt``
"""

import argparse
import json
from collections.abc import Sequence

from mmrcf.command_line import start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Export tracks in the layout of YouTube-VIS to another format')
    parser.add_argument('tracks', help='JSON of demo/video_demo.py, or a file like it')
    parser.add_argument('format', choices=('mot', 'coco'), help='text of MOTChallenge, or JSON of COCO results')
    parser.add_argument('--out', required=True, metavar='FILE', help='the file to write')
    parser.add_argument('--video', type=int, metavar='ID', help='for mot: the video, where there are several')
    parser.add_argument(
        '--ann-file', metavar='FILE', help='for coco: a COCO file of the frames, for its image and category ids'
    )
    args = parser.parse_args(arguments)
    if args.video is not None and args.format != 'mot':
        parser.error('--video goes with mot')
    if args.ann_file is not None and args.format != 'coco':
        parser.error('--ann-file goes with coco')
    return args


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.datasets.annotations import AnnotationFile, parse_annotations
from mmrcf.evaluation import load_ground_truth
from mmrcf.evaluation.functional.track_files import coco_results, mot_lines
from mmrcf.utils import atomic_output, counted, read_json


def chosen_video(file: AnnotationFile, video_id: int | None) -> int:
    """The id of the video to export; that of the only one where none is asked for."""
    if video_id is None and len(file.videos) == 1:
        return next(iter(file.videos))
    if video_id not in file.videos:
        known = ', '.join(map(str, list(file.videos)[:5]))
        raise InputError(
            f'--video {video_id}: {file.source} has {counted(len(file.videos), "video")}, {known} ...; name one'
        )
    return video_id


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Export with the options of the command line."""
    args = parse_args(arguments)
    file = parse_annotations(read_json(args.tracks, 'tracks'), f'tracks {args.tracks}')
    if args.format == 'mot':
        lines = list(mot_lines(file, chosen_video(file, args.video)))
        text = ''.join(f'{line}\n' for line in lines)
    else:
        lines = coco_results(file, None if args.ann_file is None else load_ground_truth(args.ann_file))
        text = json.dumps(lines)
    with atomic_output(args.out) as temporary:
        temporary.write_text(text, encoding='utf-8')
    print(f'wrote {args.out}: {counted(len(lines), "box")} of {counted(len(file.require_annotations()), "track")}')


if __name__ == '__main__':
    main()
