"""Annotation files and results of an evaluation: valid content made by code, damaged as JSON, arrays and archives."""

import contextlib
import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from pycocotools import mask as mask_utils

from mmrcf.datasets import COCOPseudoVideoDataset, YouTubeVISDataset
from mmrcf.datasets.annotations import file_content, read_annotations, validate_annotations
from mmrcf.engine.query_outputs import FrameOutputs, OutputSettings, OutputWriter, SavedOutputs
from mmrcf.errors import exit_on_bad_input
from mmrcf.evaluation import ErrorBreakdown, VideoEvaluation, load_ground_truth, parse_results, read_results
from mmrcf.evaluation.functional.track_files import coco_results, mot_lines
from mmrcf.utils import write_json
from mutations import json_bytes, mutate_bytes, mutate_json, mutate_text
from target import Target, run_each

WIDTH, HEIGHT, FRAMES = 24, 16, 3
CATEGORIES = [dict(id=1, name='person'), dict(id=2, name='cat')]
POLYGON = [2.0, 2.0, 12.5, 3.0, 10.0, 11.0]
SIZE = [HEIGHT, WIDTH]


def _compressed(left: int) -> dict:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8, order='F')
    mask[3:9, left : left + 7] = 1
    return dict(size=SIZE, counts=mask_utils.encode(mask)['counts'].decode())


def _masks(index: int) -> list[Any]:
    """A mask for each frame, in each of the forms."""
    runs = dict(size=SIZE, counts=[40, 6, HEIGHT * WIDTH - 46])
    return [[_compressed(2), None, runs], [[POLYGON, [0, 0, 5, 0, 5, 5, 0, 5]], _compressed(9), _compressed(10)]][index]


def _video_content() -> dict:
    """In the layout of YouTube-VIS."""
    size = dict(width=WIDTH, height=HEIGHT, length=FRAMES)
    tracks = [
        dict(
            id=number,
            video_id=1 + number // 3,
            category_id=1 + number % 2,
            iscrowd=int(number == 3),
            segmentations=_masks(number % 2),
            areas=[42, None, 6],
            bboxes=[[2, 3, 7, 6], None, [2, 8, 1, 6]],
            score=0.25 * number,
            track_id=number,
        )
        for number in (1, 2, 3)
    ]
    names = [[f'{video}/{frame}.png' for frame in range(FRAMES)] for video in 'ab']
    videos = [dict(id=number, file_names=own, **size) for number, own in enumerate(names, start=1)]
    return dict(videos=videos, annotations=tracks, categories=CATEGORIES, info={})


def _image_content(in_videos: bool) -> dict:
    """In the layout of COCO, or of CocoVID."""
    content = _video_content()
    own = [(video, frame) for video in content['videos'] for frame in range(FRAMES)]
    images = [
        dict(id=number, file_name=video['file_names'][frame], width=WIDTH, height=HEIGHT)
        | (dict(video_id=video['id'], frame_id=frame) if in_videos else {})
        for number, (video, frame) in enumerate(own, start=1)
    ]
    annotations = [
        dict(id=number, image_id=number, category_id=1, segmentation=mask, bbox=[2, 3, 7, 6], area=42, iscrowd=0)
        | (dict(instance_id=1 + number // 4) if in_videos else {})
        for number, mask in enumerate(_masks(0) + _masks(1), start=1)
    ]
    content = dict(images=images, annotations=annotations, categories=CATEGORIES)
    return content | (dict(videos=[dict(id=1, name='a'), dict(id=2, name='b')]) if in_videos else {})


def annotations(folder: Path) -> Target:
    """Annotation files of each layout, through the validator, data sets, metrics and converters of formats."""
    contents = [_video_content(), _image_content(False), _image_content(True)]
    for name in contents[0]['videos'][0]['file_names'] + contents[0]['videos'][1]['file_names']:
        (folder / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / name), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    classes = tuple(category['name'] for category in CATEGORIES)
    data = dict(data_root='', metainfo=dict(classes=classes), data_prefix=dict(img=str(folder)))

    valid = [json_bytes(content) for content in contents]

    def make(rng: random.Random) -> bytes:
        content = mutate_json(rng.choice(contents), rng)
        if rng.random() < 0.25:
            content = _with_counts(content, rng)
        written = json_bytes(content)
        return mutate_bytes(written, rng) if rng.random() < 0.1 else written

    @exit_on_bad_input
    def validate(path: Path) -> None:
        problems = validate_annotations(path, folder)
        write_json(folder / 'problems.json', [problem.as_dict() for problem in problems])
        for problem in problems:
            print(problem)

    def evaluate(path: Path) -> None:
        truth = load_ground_truth(path)
        evaluation = VideoEvaluation(truth, truth.require_tracks())
        evaluation.metrics()
        ErrorBreakdown(evaluation).metrics()

    def export(path: Path) -> None:
        file = read_annotations(path)
        json.dumps(file_content(file))
        coco_results(file)
        for video_id in file.videos:
            list(mot_lines(file, video_id))

    def run(path: Path) -> None:
        with contextlib.suppress(SystemExit):  # the data sets refuse it, too
            validate(path)
        run_each(
            (
                lambda: YouTubeVISDataset(str(path), **data)[0],
                lambda: YouTubeVISDataset(str(path), test_mode=True, partly_labelled=True, **data)[0],
                lambda: COCOPseudoVideoDataset(str(path), crowds='ignore', **data)[0],
                lambda: evaluate(path),
                lambda: export(path),
            )
        )

    return Target(make, run, '.json', 'annotation files: validator, data sets, metrics, exports', valid)


def _with_counts(content: Any, rng: random.Random) -> Any:
    """With some run lengths changed, which a change of any value seldom hits."""
    places: list[dict] = []

    def look(node: Any, depth: int) -> None:
        if isinstance(node, dict) and node.get('counts'):
            places.append(node)
        if depth:
            values = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
            for value in values:
                look(value, depth - 1)

    look(content, 6)
    for place in rng.sample(places, min(len(places), 2)):
        if isinstance(place['counts'], str):
            place['counts'] = mutate_text(place['counts'], rng)
        elif isinstance(place['counts'], list):
            runs = [
                rng.choice((0, -1, 1, 5, 2**31, 2**32 + 46, 2**62, -(2**62), 1.5)) for _ in range(rng.randint(1, 4))
            ]
            place['counts'] += runs
    return content


def archives(folder: Path) -> Target:
    """Results of an evaluation, as JSON and in archives, and saved outputs of queries."""
    (folder / 'instances.json').write_bytes(json_bytes(_video_content()))
    entries = [
        dict(video_id=number, score=0.5, category_id=number, segmentations=[_compressed(2), None, _compressed(5)])
        for number in (1, 2)
    ]
    settings = OutputSettings(('person', 'cat'), 0.5, 0.5, False, 0.1)
    writer = OutputWriter(folder / 'outputs.zip', settings)
    for frame in range(2):
        writer.add(
            FrameOutputs(
                frame=dict(video_id=1, frame_id=frame, video_length=2, ori_shape=(HEIGHT, WIDTH)),
                img_shape=(HEIGHT, WIDTH),
                padded_shape=(32, 32),
                class_probs=torch.full((4, 2), 0.4),
                codes=torch.ones(4, 3),
                mask_logits=torch.ones(4, 8, 8),
            )
        )
    writer.close()
    outputs = _members((folder / 'outputs.zip').read_bytes())

    valid = [json_bytes(entries), json_bytes(_video_content()), (folder / 'outputs.zip').read_bytes()]

    def make_results(rng: random.Random) -> bytes:
        content = mutate_json(rng.choice((entries, _video_content())), rng)
        written = json_bytes(content)
        form = rng.randrange(4)
        return written if form == 0 else _archive({'results.json': written}, rng)

    def make_outputs(rng: random.Random) -> bytes:
        members = dict(outputs)
        name = rng.choice(list(members))
        if name.endswith('.json'):
            members[name] = json_bytes(mutate_json(json.loads(members[name]), rng))
        else:
            members[name] = _damaged_arrays(members[name], rng)
        return _archive(members, rng)

    def make(rng: random.Random) -> bytes:
        written = rng.choice((make_results, make_outputs))(rng)
        return mutate_bytes(written, rng) if rng.random() < 0.2 else written

    def evaluate(path: Path) -> None:
        truth = load_ground_truth(folder / 'instances.json')
        VideoEvaluation(truth, parse_results(read_results(path), truth)).metrics()

    def outputs_of(path: Path) -> None:
        with SavedOutputs(path) as saved:
            for frame in saved:
                frame.slots(saved.settings.score_thr, 0.0)

    def run(path: Path) -> None:
        run_each((lambda: evaluate(path), lambda: outputs_of(path)))

    return Target(make, run, '.zip', 'results and saved query outputs, as JSON and in archives', valid)


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _archive(members: dict[str, bytes], rng: random.Random) -> bytes:
    """A zip file; its headers may say that it is encrypted, of another method or of another size."""
    file = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(file, 'w', method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    written = bytearray(file.getvalue())
    if rng.random() < 0.2:
        # In the central directory: flags at 8, method at 10, checksum at 16, sizes at 20 and 24, offset at 42.
        start = written.rfind(b'PK\x01\x02')
        position, length = rng.choice(((8, 1), (10, 1), (16, 4), (20, 4), (24, 4), (42, 4)))
        for index in range(start + position, start + position + length):
            written[index] = rng.choice((0, 1, 9, 0x7F, 0xFF))
    return bytes(written)


def _damaged_arrays(content: bytes, rng: random.Random) -> bytes:
    """An ``.npz`` with an array of another type, shape or value, or a header that promises another."""
    members = _members(content)
    name = rng.choice(list(members))
    array = np.load(io.BytesIO(members[name]))
    match rng.randrange(5):
        case 0:
            array = rng.choice((array.astype(object), array.astype('U'), array.astype(np.complex64), array[..., None]))
        case 1:
            array = np.asarray(rng.choice((-1, 0, 2**31, 2**62, float('nan'), [1, 2, 3], [[2**40, 2**40]], 'a')))
        case 2:
            array = array.reshape(-1)[: rng.randint(0, array.size)]
        case 3:
            del members[name]
    if name in members:
        file = io.BytesIO()
        if rng.random() < 0.3 and not array.dtype.hasobject:
            shape = rng.choice(((10**6, 10**6), (10**20,), (-1,), (2**31,), (2**14, 2**14), (4, 2**20)))
            header = dict(descr=np.lib.format.dtype_to_descr(array.dtype), fortran_order=False, shape=shape)
            np.lib.format.write_array_header_1_0(file, header)
            file.write(array.tobytes())
        else:
            np.save(file, array, allow_pickle=True)
        members[name] = file.getvalue()
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return file.getvalue()
