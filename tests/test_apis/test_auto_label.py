"""Labels from a model's tracks: what is accepted, what is ignored, what is written, and that it can be learnt from."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from pycocotools import mask as mask_utils

from mmrcf.apis import OnlineSegmenter, init_model
from mmrcf.apis.auto_label import AutoLabeller, LabelRules, LabelTrack, add_frame, label_tracks, list_videos
from mmrcf.datasets import YouTubeVISDataset
from mmrcf.datasets.annotations import validate_annotations
from mmrcf.errors import InputError, InputFileError
from mmrcf.structures import FrameResult
from mmrcf.utils import mask_boxes

CLASSES = ('cat', 'dog')
RULES = LabelRules(accept_thr=0.6, ignore_thr=0.3, min_frames=3, min_presence=0.7, min_class_share=0.7)


def frame(*objects: tuple[int, tuple[float, float], tuple[int, int]]) -> FrameResult:
    """A frame of 4 x 40 with objects of (track ID, class probabilities, columns from and to)."""
    masks = np.zeros((len(objects), 4, 40), bool)
    for mask, (_, _, (start, stop)) in zip(masks, objects, strict=True):
        mask[:, start:stop] = True
    probs = np.array([probs for _, probs, _ in objects], np.float32).reshape(-1, 2)
    return FrameResult(
        frame_index=0,
        ids=np.array([track_id for track_id, _, _ in objects], np.int64),
        labels=probs.argmax(1) if len(objects) else np.zeros(0, int),
        scores=probs.max(1) if len(objects) else np.zeros(0, np.float32),
        masks=masks,
        boxes=mask_boxes(masks),
        class_names=tuple('' for _ in objects),
        class_probs=probs,
        queries=np.arange(len(objects)),
    )


def labelled(frames: list[FrameResult], rules: LabelRules = RULES) -> dict[tuple[int, bool], list]:
    """Columns that are labelled in each frame, None where there are none, by track ID and crowd."""
    tracks: dict[int, LabelTrack] = {}
    for index, result in enumerate(frames):
        add_frame(tracks, index, result)
    records = label_tracks(tracks.values(), len(frames), CLASSES, rules)
    assert [record.annotation_id for record in records] == list(range(1, len(records) + 1))
    return {
        (record.entry['track_id'], record.crowd): [
            rle and np.flatnonzero(mask_utils.decode(rle)[0]).tolist() for rle in record.segmentations
        ]
        for record in records
    }


def test_a_confident_track_is_an_object_and_an_uncertain_one_is_ignored() -> None:
    sure, unsure, faint = (0.9, 0.1), (0.5, 0.1), (0.1, 0.2)
    found = labelled([frame((1, sure, (0, 3)), (2, unsure, (9, 11)), (3, faint, (20, 22)))] * 3)
    assert found == {(1, False): [[0, 1, 2]] * 3, (2, True): [[9, 10]] * 3}


def test_tracks_that_are_short_or_interrupted_or_change_their_class_are_ignored() -> None:
    cat, dog = (0.9, 0.1), (0.1, 0.95)
    frames = [frame((1, cat, (0, 2)), (2, cat, (8, 9)), (3, cat, (20, 21)))] * 2
    frames += [frame((2, dog, (8, 9)))] * 4  # more often a dog, but not in 70% of its frames
    frames += [frame((3, cat, (20, 21)))] * 2  # in 4 of 8 frames
    assert {key: crowd for key, crowd in labelled(frames)} == {1: True, 2: True, 3: True}


def test_a_doubtful_frame_of_an_object_is_ignored_and_what_an_object_covers_is_not() -> None:
    frames = [frame((1, (0.9, 0.0), (0, 4)), (2, (0.4, 0.0), (2, 8)))] * 4 + [frame((1, (0.2, 0.1), (0, 4)))]
    found = labelled(frames)
    assert found[1, False] == [[0, 1, 2, 3]] * 4 + [None]
    assert found[1, True] == [None] * 4 + [[0, 1, 2, 3]]
    assert found[2, True] == [[4, 5, 6, 7]] * 4 + [None]


def test_other_classes_are_background() -> None:
    frames = [frame((1, (0.9, 0.0), (0, 4)), (2, (0.0, 0.9), (6, 8)))] * 3
    assert list(labelled(frames, LabelRules(classes=('dog',)))) == [(2, False)]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(accept_thr=1.5), r'accept_thr=1.5: expected a number in \[0, 1\]'),
        (dict(accept_thr=0.2, ignore_thr=0.3), 'ignore_thr=0.3: is above accept_thr=0.2'),
        (dict(min_frames=0), 'min_frames=0: expected'),
    ],
)
def test_rules_out_of_range_are_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LabelRules(**options)


@pytest.fixture(scope='module')
def teacher(tiny_config: Path) -> OnlineSegmenter:
    """A model with random weights, which gives low scores."""
    return OnlineSegmenter(init_model(tiny_config))


def write_frames(folder: Path, count: int = 3) -> Path:
    folder.mkdir(parents=True)
    for index in range(count):
        cv2.imwrite(str(folder / f'{index:05d}.jpg'), np.full((48, 64, 3), 90, np.uint8))
    return folder


def test_a_teacher_without_a_confident_track_gives_a_data_set_without_objects(
    teacher: OnlineSegmenter, in_tmp_path: Path, write_clip
) -> None:
    """Names in any script; a video with one frame."""
    clips = [write_clip(Path(name), frames=1) for name in ('Straße 1.mp4', '犬.mp4')]
    counts = AutoLabeller(teacher, 'auto').run(clips)
    assert counts == dict(videos=2, frames=2, objects=0, ignored=counts['ignored'], labelled_before=0)
    content = json.loads(Path('auto/instances.json').read_text())
    assert [video['file_names'] for video in content['videos']] == [['Straße 1/00000.jpg'], ['犬/00000.jpg']]
    assert all((Path('auto/JPEGImages') / video['file_names'][0]).is_file() for video in content['videos'])
    assert not [item for item in validate_annotations('auto/instances.json') if item.severity == 'error']


def test_a_killed_run_is_continued(teacher: OnlineSegmenter, in_tmp_path: Path) -> None:
    sources = [write_frames(Path(name)) for name in ('first', 'second')]
    seen = []

    def dying_step(image: np.ndarray):
        seen.append(image)
        if len(seen) == 5:
            raise KeyboardInterrupt
        return teacher.fork().step(image)

    labeller = AutoLabeller(teacher, 'auto')
    labeller.segmenter = SimpleNamespace(fork=lambda: SimpleNamespace(step=dying_step))
    with pytest.raises(KeyboardInterrupt):
        labeller.run(sources)
    assert not Path('auto/instances.json').exists()
    write_frames(Path('auto/JPEGImages/second/rest'), 1)  # no frame of ours: it stays
    (Path('auto/JPEGImages/second') / '00007.jpg').touch()  # as of a run that labelled more frames
    counts = AutoLabeller(teacher, 'auto').run(sources)
    assert (counts['videos'], counts['labelled_before'], counts['frames']) == (2, 1, 6)
    names = sorted(path.name for path in Path('auto/JPEGImages/second').iterdir())
    assert names == ['00000.jpg', '00001.jpg', '00002.jpg', 'rest']


def test_labels_of_another_teacher_are_not_taken_for_finished(teacher: OnlineSegmenter, in_tmp_path: Path) -> None:
    source = write_frames(Path('first'))
    AutoLabeller(teacher, 'auto', teacher='small').run([source])
    with pytest.raises(InputError, match='made with another teacher'):
        AutoLabeller(teacher, 'auto', teacher='large').run([source])
    assert AutoLabeller(teacher, 'auto', teacher='large', force=True).run([source])['labelled_before'] == 0


def test_labels_name_no_secret(teacher: OnlineSegmenter, in_tmp_path: Path) -> None:
    source = write_frames(Path('first'))
    address = 'https://user:secret@host/x.pth?signature=secret'
    for before in (0, 1):
        counts = AutoLabeller(teacher, 'auto', teacher=address).run([source])
        assert counts['labelled_before'] == before
    assert 'secret' not in Path('auto/parts/first.json').read_text()


def test_the_folder_of_a_long_video_is_not_looked_through_for_each_frame(
    teacher: OnlineSegmenter, in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    monkeypatch.setattr('os.scandir', lambda path, scan=os.scandir: looks.append(Path(path).name) or scan(path))
    AutoLabeller(teacher, 'auto').run([write_frames(Path('long'), 6)])
    assert looks.count('long') == 1


def test_two_videos_of_one_name_are_refused_before_the_first_is_labelled(
    teacher: OnlineSegmenter, in_tmp_path: Path
) -> None:
    sources = [write_frames(Path(name)) for name in ('a/clip', 'b/clip')]
    with pytest.raises(InputError, match="two are called 'clip'"):
        AutoLabeller(teacher, 'auto').run(sources)
    assert not Path('auto').exists()


def test_the_frames_of_a_data_set_are_not_replaced_by_their_own_copies(
    load_script, tiny_config: Path, in_tmp_path: Path, capsys
) -> None:
    torch.save(dict(state_dict=init_model(tiny_config).state_dict()), 'tiny.pth')
    source = write_frames(Path('auto/JPEGImages/first'))
    before = (source / '00000.jpg').read_bytes()
    with pytest.raises(SystemExit):
        load_script('tools/misc/auto_label.py').main(
            [str(source), '--teacher', str(tiny_config), '--checkpoint', 'tiny.pth', '--out', 'auto']
        )
    assert 'is an input of this command' in capsys.readouterr().err
    assert (source / '00000.jpg').read_bytes() == before


def test_a_folder_stands_for_its_videos(in_tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also on a machine whose table of file types has no video."""
    write_frames(Path('all/frames'), 1)
    for name in ('b10.mp4', 'b2.MOV', 'c.mkv', 'd.ts', 'notes.txt', '.hidden.mp4'):
        (Path('all') / name).touch()
    videos = ['all/b2.MOV', 'all/b10.mp4', 'all/c.mkv', 'all/d.ts', 'all/frames']
    assert list_videos(['all', 'all/frames', '0']) == [*videos, 'all/frames', '0']
    assert 'input all: left out all/notes.txt' in caplog.text and 'hidden' not in caplog.text
    Path('empty').mkdir()
    with pytest.raises(InputFileError, match='input empty: a folder without images, videos and folders of images'):
        list_videos(['empty'])


STUDENT = """
_base_ = '{tiny}'
train_pipeline = [
    dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations'), dict(type='ClipResize', scale=(96, 64)),
    dict(type='PackClip'),
]
train_dataloader = dict(
    dataset=dict(
        data_root='{labels}/', ann_file='instances.json', data_prefix=dict(img='JPEGImages'), crowds='ignore',
        pipeline=train_pipeline,
    )
)
train_cfg = dict(max_iters=2, val_interval=2)
val_dataloader = val_evaluator = val_cfg = None
"""


@pytest.mark.slow
def test_a_clip_is_labelled_and_a_student_learns_from_it(
    load_script, repository: Path, tiny_config: Path, in_tmp_path: Path, capsys
) -> None:
    frames, clip = Path('frames/second'), repository / 'demo/shapes.mp4'
    frames.mkdir(parents=True)
    for index in range(6):
        cv2.imwrite(str(frames / f'{index}.png'), np.full((64, 96, 3), 90, np.uint8))
    main = load_script('tools/misc/auto_label.py').main
    options = ['--out', 'auto', '--every', '8', '--max-size', '192', '--min-frames', '2', '--teacher', 'shapes']
    main([str(clip), str(frames), *options])
    content = json.loads(Path('auto/instances.json').read_text())
    assert [video['file_names'][0] for video in content['videos']] == ['shapes/00000.jpg', 'second/00000.jpg']
    assert not [item for item in validate_annotations('auto/instances.json') if item.severity == 'error']
    objects = [item for item in content['annotations'] if not item['iscrowd']]
    assert len(objects) >= 2 and all(item['score'] >= 0.5 for item in objects)
    sheet = cv2.imread('auto/contact_sheet.jpg')
    assert sheet.shape[0] > 2 * 160 and sheet[:160].std() > 10

    before = Path('auto/instances.json').read_bytes()
    Path('auto/instances.json').unlink()
    Path('auto/parts/second.json').unlink()  # as after an interrupt
    main([*options, str(clip), str(frames)])  # the video after the name of the teacher is no checkpoint
    assert '(1 labelled before)' in capsys.readouterr().out
    assert Path('auto/instances.json').read_bytes() == before
    with pytest.raises(SystemExit):
        main([str(clip), *options, '--accept-thr', '0.9'])
    assert 'with other settings' in capsys.readouterr().err

    Path('student.py').write_text(STUDENT.format(tiny=tiny_config, labels=Path('auto').resolve()))
    load_script('tools/train.py').main(['student.py', '--work-dir', 'run'])
    assert Path('run/iter_2.pth').is_file()
    dataset = YouTubeVISDataset('instances.json', data_root='auto', data_prefix=dict(img='JPEGImages'), crowds='ignore')
    assert len(dataset) == 1, 'the grey video has no object'
