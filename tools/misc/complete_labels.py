"""Complete the labels of partly labelled images with the predictions of a model, as a new COCO file (self-training).

``python tools/misc/complete_labels.py configs/real/rcf_r18_stills_320.py work_dirs/rcf_r18_stills_320/iter_700.pth
--dataset 0 --out data/coco/annotations/instances_train2017_completed.json --accept-thr 0.5 person=1``

The images are those of the config's training set for which its option ``partly_labelled`` holds. A prediction becomes
an object if its score is at least ``--accept-thr``, or a crowd, which the data set can ignore, if it is at least
``--ignore-thr``. Everything else is background. Labelled objects stay. If an image has a field ``complete``, a list of
classes of which every object is labelled, no prediction of these classes is added. The categories of the new file are
the classes of the model.
"""

import argparse
import json
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mmrcf.command_line import add_device, start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Complete the labels of partly labelled images with a model')
    parser.add_argument('config', help='config of the model; its training set has the images unless --data is given')
    parser.add_argument('checkpoint', help='weights of the model')
    parser.add_argument('--out', required=True, metavar='FILE', help='COCO file to write')
    parser.add_argument('--data', metavar='CONFIG', help='config whose training set has the images, if it is another')
    parser.add_argument('--dataset', type=int, metavar='N', help='which data set of a JointDataset, from 0')
    for option, default, meaning in (
        ('--accept-thr', '0.5', 'becomes an object'),
        ('--ignore-thr', '0.15', 'becomes an ignored region'),
    ):
        parser.add_argument(
            option,
            nargs='+',
            default=[default],
            metavar='SCORE',
            help=f'lowest score at which a prediction {meaning}: a number for all classes, then CLASS=NUMBER for some; '
            f'default: {default}',
        )
    add_device(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import cv2
import numpy as np
from mmengine.config import Config
from pycocotools import mask as mask_utils
from tqdm import tqdm

from mmrcf.apis import OnlineSegmenter
from mmrcf.datasets import COCOPseudoVideoDataset
from mmrcf.datasets.annotations.reader import parse_annotations
from mmrcf.datasets.annotations.segmentation import segmentation_to_rle
from mmrcf.datasets.label_completion import Completion, complete_labels
from mmrcf.engine.config import load_config
from mmrcf.utils import atomic_output, counted, read_image, read_json

logger = logging.getLogger(__name__)
NEVER = 2.0  # above any score


def thresholds(items: Sequence[str], classes: Sequence[str], option: str) -> list[float]:
    """A score for each class of items like ``0.5`` (all classes) and ``person=0.9`` (one).

    Raises:
        InputError: An item is neither, its class is not there, or a class is left without a score.
    """
    values: dict[str, float] = {}
    for item in sorted(items, key=lambda item: '=' in item):
        name, separator, number = item.rpartition('=')
        if separator and name not in classes:
            raise InputError(f'--{option} {item}: the model has no class {name!r}; it has {", ".join(classes)}')
        try:
            value = float(number)
        except ValueError as error:
            raise InputError(f'--{option} {item}: expected a number, or CLASS=NUMBER') from error
        if not 0 < value <= 1:
            raise InputError(f'--{option} {item}: expected a score above 0, at most 1')
        values.update(dict.fromkeys([name] if separator else classes, value))
    missing = [name for name in classes if name not in values]
    if missing:
        raise InputError(f'--{option}: no score for {", ".join(missing)}; give one for all classes first')
    return [values[name] for name in classes]


def training_set(config: Config, index: int | None = None) -> COCOPseudoVideoDataset:
    """The config's training images.

    Args:
        config: Config of the model.
        index: Which data set of a ``JointDataset``; None where the training set is a single one.

    Raises:
        InputError: They are of another kind, or have no option ``partly_labelled``.
    """
    field = 'train_dataloader.dataset'
    settings = dict((config.get('train_dataloader') or {}).get('dataset') or {})
    parts = settings.get('datasets')
    if parts is not None:
        if index is None or not 0 <= index < len(parts):
            raise InputError(
                f'config {config.filename}: {field} has {len(parts)} data sets; choose one with --dataset 0 to '
                f'{len(parts) - 1}'
            )
        field, settings = f'{field}.datasets[{index}]', dict(parts[index])
    elif index is not None:
        raise InputError(f'config {config.filename}: {field} is a single data set; leave out --dataset')
    if settings.get('type') != 'COCOPseudoVideoDataset' or not settings.get('partly_labelled'):
        raise InputError(
            f'config {config.filename}: {field} is {settings.get("type")!r} with partly_labelled='
            f'{settings.get("partly_labelled")!r}; expected a COCOPseudoVideoDataset and the name of a field'
        )
    if settings.get('crowds') != 'ignore':
        raise InputError(
            f'config {config.filename}: {field}.crowds={settings.get("crowds", "drop")!r}, expected '
            "'ignore': predictions of low score become crowds"
        )
    del settings['type']
    return COCOPseudoVideoDataset(**settings | dict(pipeline=[], drop_empty_images=False))


def annotation(image_id: int, category_id: int, mask: np.ndarray, **fields: float) -> dict:
    """An annotation in the COCO layout of a mask (H, W) bool; its id comes later."""
    rle = mask_utils.encode(np.asfortranarray(mask.astype(np.uint8)))
    return dict(
        image_id=image_id,
        category_id=category_id,
        segmentation=dict(size=rle['size'], counts=rle['counts'].decode()),
        area=int(mask.sum()),
        bbox=mask_utils.toBbox(rle).tolist(),
        **fields,
    )


def annotations(image_id: int, completion: Completion) -> list[dict]:
    """What is added to an image: objects with their ``score``, and crowds for predictions of low score."""
    added = [
        annotation(image_id, label + 1, mask, iscrowd=0, score=round(score, 3))
        for label, score, mask in zip(completion.labels, completion.scores, completion.masks, strict=True)
    ]
    return added + [annotation(image_id, label + 1, mask, iscrowd=1) for label, mask in completion.ignored.items()]


def labelled_pixels(objects: Sequence[dict], height: int, width: int) -> np.ndarray:
    """(H, W) bool: where any of the annotations of an image is."""
    rles = [segmentation_to_rle(item.get('segmentation'), height, width) for item in objects]
    rles = [rle for rle in rles if rle is not None]
    return mask_utils.decode(mask_utils.merge(rles)) > 0 if rles else np.zeros((height, width), bool)


def complete_classes(image: dict, classes: Sequence[str], path: str) -> list[str]:
    """The classes of which every object of an image is labelled: its field ``complete``, empty where it is missing.

    Raises:
        InputError: The field is not a list of classes.
    """
    names = image.get('complete', [])
    if not isinstance(names, list) or not set(map(str, names)) <= set(classes):
        raise InputError(
            f"annotation file {path}: image {image['id']}: 'complete' is {names!r}, expected a list of names among "
            f'{", ".join(classes)}; correct it'
        )
    return names


def completed(
    dataset: COCOPseudoVideoDataset,
    segmenter: OnlineSegmenter,
    accept_thr: Sequence[float],
    ignore_thr: Sequence[float],
) -> tuple[dict, Counter]:
    """The content of the data set's annotation file with the classes as categories and all images fully labelled.

    Images that the data set leaves out, those for validation, stay as they are.

    Returns:
        The content; and the numbers of added objects (by class index), of completed ``'images'``, and of those with
        ``'ignored'`` regions.
    """
    content = read_json(dataset.ann_file, 'annotation file')
    names = parse_annotations(content, f'annotation file {dataset.ann_file}', as_images=True).categories
    if not any(image.get(dataset.partly_labelled) for image in content['images']):
        logger.warning(
            'annotation file %s: no image has a true field %r; all labels stay as they are',
            dataset.ann_file,
            dataset.partly_labelled,
        )
    classes = dataset.metainfo['classes']
    ids = {key: classes.index(dataset.class_map[name]) + 1 for key, name in names.items() if name in dataset.class_map}
    kept = [
        item | dict(category_id=ids[item['category_id']])
        for item in content['annotations']
        if item['category_id'] in ids
    ]
    by_image: dict[int, list[dict]] = {}
    for item in kept:
        by_image.setdefault(item['image_id'], []).append(item)
    records = [dataset.get_data_info(index) for index in range(len(dataset))]
    paths = {record['video_id'][0]: record['img_path'][0] for record in records}
    images, added, counts = [], [], Counter()
    for image in tqdm(content['images'], unit='image'):
        if image.get(dataset.partly_labelled) and image['id'] in paths:
            segmenter.reset()
            found = segmenter.step(cv2.cvtColor(read_image(paths[image['id']]), cv2.COLOR_BGR2RGB))
            labelled = labelled_pixels(by_image.get(image['id'], ()), image['height'], image['width'])
            done = complete_classes(image, classes, dataset.ann_file)
            completion = complete_labels(
                found,
                labelled,
                [NEVER if name in done else score for name, score in zip(classes, accept_thr, strict=True)],
                [NEVER if name in done else score for name, score in zip(classes, ignore_thr, strict=True)],
            )
            added += annotations(image['id'], completion)
            counts.update([*completion.labels, 'images', *['ignored'] * bool(completion.ignored)])
            image = image | {dataset.partly_labelled: False}
        images.append(image)
    first = max((item['id'] for item in kept), default=0) + 1
    numbered = [item | dict(id=number) for number, item in enumerate(added, start=first)]
    categories = [dict(id=number, name=name) for number, name in enumerate(classes, start=1)]
    return content | dict(images=images, categories=categories, annotations=kept + numbered), counts


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Complete with the options of the command line, and count what was added."""
    args = parse_args(arguments)
    dataset = training_set(load_config(args.data or args.config), args.dataset)
    classes = dataset.metainfo['classes']
    accept_thr = thresholds(args.accept_thr, classes, 'accept-thr')
    ignore_thr = thresholds(args.ignore_thr, classes, 'ignore-thr')
    for name, high, low in zip(classes, accept_thr, ignore_thr, strict=True):
        if low > high or low == 1:
            raise InputError(f'--ignore-thr {name}={low}: is above --accept-thr {name}={high}, or 1; lower it')
    if Path(args.out).resolve() == Path(dataset.ann_file).resolve():
        raise InputError(f'--out {args.out}: is the annotation file that is read; give another name')
    segmenter = OnlineSegmenter(args.config, args.checkpoint, args.device).fork(min(ignore_thr), begin_low=True)
    if segmenter.classes != classes:
        raise InputError(
            f'checkpoint {args.checkpoint}: has the classes {segmenter.classes}, the training set {classes}; give the '
            'config that it was trained with'
        )
    with atomic_output(args.out) as temporary:  # a folder that cannot be written to fails before the work
        content, counts = completed(dataset, segmenter, accept_thr, ignore_thr)
        temporary.write_text(json.dumps(content), encoding='utf-8')
    found = ', '.join(f'{counts[label]} {name}' for label, name in enumerate(classes))
    images = counted(counts['images'], 'image')
    print(f'{args.out}: {images} completed with {found}; ignored regions in {counts["ignored"]}')


if __name__ == '__main__':
    main()
