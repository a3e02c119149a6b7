"""Convert a data set into the official YouTube-VIS JSON (videos) or COCO JSON (still images).

``python tools/dataset_converters/convert.py davis downloads/DAVIS --out data/davis/instances.json``

Frames stay where they are. The last line printed names the folder that the file names are relative to.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence

from mmrcf.command_line import start_program
from mmrcf.errors import exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    formats = parser.add_subparsers(dest='format', required=True, metavar='FORMAT')

    def add(name: str, meaning: str, root: str) -> argparse.ArgumentParser:
        added = formats.add_parser(name, help=meaning, description=meaning)
        added.add_argument('input', metavar='INPUT', help=root)
        added.add_argument('--out', required=True, metavar='FILE', help='JSON file to write')
        return added

    def add_classes(added: argparse.ArgumentParser, key: str, default: str | None) -> None:
        meaning = f'text file of lines "{key} CLASS", or JSON' + (f'; default: {default}' if default else '')
        added.add_argument('--classes', metavar='FILE', required=default is None, help=meaning)

    def add_list(added: argparse.ArgumentParser, what: str) -> None:
        added.add_argument(
            '--list', metavar='FILE', help=f'text file of the {what} to convert, one a line; default: all'
        )

    davis = add('davis', 'DAVIS 2016 and 2017', 'folder that holds JPEGImages and Annotations')
    add_classes(davis, 'SEQUENCE[/OBJECT]', 'those of DAVIS 2016: person, animal, vehicle, ball')
    add_list(davis, 'sequences')
    davis.add_argument('--resolution', default='480p', help='folder of the resolution (default: 480p)')
    davis.add_argument('--annotations', default='Annotations', help='folder of the masks (default: Annotations)')

    segtrack = add('segtrack', 'SegTrack v2', 'folder that holds JPEGImages and GroundTruth')
    add_classes(segtrack, 'SEQUENCE[/OBJECT]', None)
    add_list(segtrack, 'sequences')

    mots = add('mots', 'KITTI MOTS and MOTSChallenge (PNG)', 'folder that holds instances')
    mots.add_argument('--images', metavar='FOLDER', help='folder of the frames; default: images or training/image_02')
    add_classes(mots, 'NUMBER', '1 car, 2 pedestrian')
    add_list(mots, 'sequences')

    voc = add('voc', 'PASCAL VOC 2012, to COCO JSON', 'folder that holds JPEGImages and SegmentationObject')
    add_list(voc, 'images')

    cvat = add('cvat', 'CVAT for video 1.1', 'folder of annotations.xml and images, or a folder of such folders')
    cvat.add_argument('--join-groups', action='store_true', help='tracks of one label and one group are one object')

    labelme = add(
        'labelme', 'LabelMe JSON, to COCO JSON or with --video to YouTube-VIS JSON', 'folder of the JSON files'
    )
    labelme.add_argument('--video', action='store_true', help='each subfolder is a video; group_id numbers its objects')
    labelme.add_argument(
        '--image-root', metavar='FOLDER', help='folder that file names are relative to; default: INPUT'
    )
    for added in (cvat, labelme):
        added.add_argument('--boxes', action='store_true', help='take boxes as filled rectangles')
    args = parser.parse_args(arguments)
    if args.format == 'labelme' and args.video and args.image_root is not None:
        parser.error('--image-root: is for still images; with --video file names are relative to INPUT')
    return args


if __name__ == '__main__':
    start_program(parse_args)

from mmrcf.datasets import converters
from mmrcf.datasets.converters import Converted
from mmrcf.utils import atomic_output, counted


def convert(args: argparse.Namespace) -> Converted:
    """Read the input with the converter of its format."""
    names = converters.read_name_list(args.list) if getattr(args, 'list', None) else None
    table = converters.read_class_table(args.classes) if getattr(args, 'classes', None) else None
    options = dict(progress=True) | ({} if table is None else dict(classes=table))
    match args.format:
        case 'davis':
            folders = dict(resolution=args.resolution, annotations=args.annotations)
            return converters.convert_davis(args.input, sequences=names, **folders, **options)
        case 'segtrack':
            return converters.convert_segtrack(args.input, sequences=names, **options)
        case 'mots':
            return converters.convert_mots(args.input, sequences=names, images=args.images, **options)
        case 'voc':
            return converters.convert_voc(args.input, names, **options)
        case 'cvat':
            return converters.convert_cvat(args.input, args.boxes, args.join_groups, **options)
    if args.video:
        return converters.convert_labelme_videos(args.input, args.boxes, **options)
    return converters.convert_labelme(args.input, args.boxes, args.image_root, **options)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Write the JSON file, and print what is in it."""
    args = parse_args(arguments)
    stills = args.format == 'voc' or (args.format == 'labelme' and not args.video)
    with atomic_output(args.out) as temporary:  # a folder that cannot be written to fails before the work
        converted = convert(args)
        content = (converters.coco_content if stills else converters.youtube_vis_content)(converted, args.input)
        temporary.write_text(json.dumps(content), encoding='utf-8')
    counts = Counter(track.category for video in converted.videos for track in video.tracks if not track.crowd)
    objects = ', '.join(f'{counts[name]} {name}' for name in converted.classes if counts[name])
    frames = sum(len(video.file_names) for video in converted.videos)
    size = (
        counted(frames, 'image')
        if stills
        else f'{counted(len(converted.videos), "video")} of {counted(frames, "frame")}'
    )
    print(f'{args.out}: {size}; objects: {objects}; file names are relative to {converted.image_root}')


if __name__ == '__main__':
    main()
