"""Split an annotation file at random into two, by videos or images: one part to train, the other to validate.

``python tools/dataset_converters/split.py all.json --out data/avis/train/instances.json data/avis/val/instances.json``

The default is the paper's split of AVIS, 75% and 25% (Section III-C). Everything in the file stays as it is; images and
audio stay where they are. The same seed gives the same split.
"""

import argparse
import contextlib
import json
from collections.abc import Sequence
from typing import Any

from mmrcf.command_line import add_seed, start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ann_file', help='annotation file (JSON) in the layout of YouTube-VIS or COCO')
    parser.add_argument('--out', required=True, nargs=2, metavar='FILE', help='JSON files to write')
    parser.add_argument('--share', type=float, default=0.75, help='part that the first file gets (default: 0.75)')
    add_seed(parser, 'the split')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import numpy as np

from mmrcf.datasets.annotations.reader import parse_annotations
from mmrcf.utils import atomic_output, counted, read_json


def split_annotations(content: dict[str, Any], share: float, seed: int, source: str) -> tuple[dict, dict]:
    """Two files of a file's videos, or of its images where it has no videos.

    Args:
        content: In the layout of YouTube-VIS or COCO.
        share: Part of the videos in the first file, between 0 and 1.
        seed: Of the draw.
        source: The file, for messages.

    Raises:
        InputError: The file cannot be read, has no annotations, has videos as well as images, or is too small to be
            split.
    """
    parse_annotations(content, source).require_annotations()
    if content.get('videos') and content.get('images'):
        raise InputError(f'{source}: has videos and images; expected the layout of YouTube-VIS or of COCO')
    kind, key = ('videos', 'video_id') if content.get('videos') else ('images', 'image_id')
    ids = [entry['id'] for entry in content[kind]]
    first_size = round(share * len(ids))
    if not 0 < first_size < len(ids):
        raise InputError(
            f'{source}: a share of {share} of {counted(len(ids), kind[:-1])} leaves one part empty; give '
            'another --share'
        )
    drawn = np.random.default_rng(seed).permutation(len(ids))
    chosen = {ids[index] for index in drawn[:first_size]}

    def part(is_first: bool) -> dict:
        return content | {
            kind: [entry for entry in content[kind] if (entry['id'] in chosen) == is_first],
            'annotations': [item for item in content['annotations'] if (item[key] in chosen) == is_first],
        }

    return part(True), part(False)


def describe_part(content: dict[str, Any]) -> str:
    """How much is in a part, and which categories have no object there."""
    kind = 'videos' if content.get('videos') else 'images'
    used = {item['category_id'] for item in content['annotations']}
    missing = [category['name'] for category in content['categories'] if category['id'] not in used]
    line = f'{counted(len(content[kind]), kind[:-1])}, {counted(len(content["annotations"]), "object")}'
    return f'{line}; none of {", ".join(missing)}' if missing else line


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Write both parts, and print a line for each."""
    args = parse_args(arguments)
    source = f'annotation file {args.ann_file}'
    parts = split_annotations(read_json(args.ann_file, 'annotation file'), args.share, args.seed, source)
    with contextlib.ExitStack() as stack:  # both or none, and not one over the other
        files = [stack.enter_context(atomic_output(path)) for path in args.out]
        for file, content in zip(files, parts, strict=True):
            file.write_text(json.dumps(content), encoding='utf-8')
    for path, content in zip(args.out, parts, strict=True):
        print(f'{path}: {describe_part(content)}')


if __name__ == '__main__':
    main()
