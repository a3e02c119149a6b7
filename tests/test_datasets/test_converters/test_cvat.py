"""Exports of CVAT in 'CVAT for video 1.1'."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mmrcf.datasets.converters import convert_cvat
from mmrcf.errors import InputError

from .conftest import HEIGHT, WIDTH, box, masks_of, write_frames

HEAD = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <id>7</id><name>street</name><size>{size}</size><mode>interpolation</mode><overlap>5</overlap>
      <start_frame>{start}</start_frame><stop_frame>{stop}</stop_frame><frame_filter>{filter}</frame_filter>
      <labels>
        <label><name>car</name><color>#ff0000</color><type>any</type><attributes></attributes></label>
        <label><name>person</name><color>#00ff00</color><type>any</type><attributes></attributes></label>
      </labels>
      <original_size><width>30</width><height>20</height></original_size>
    </task>
    <dumped>2024-01-01 00:00:00+00:00</dumped>
  </meta>
"""
SHAPE = 'keyframe="1" occluded="0" z_order="0"'
TRACKS = f"""
  <track id="0" label="car" source="manual">
    <polygon frame="0" outside="0" {SHAPE} points="2.00,3.00;6.00,3.00;6.00,8.00;2.00,8.00"></polygon>
    <polygon frame="1" outside="0" keyframe="0" occluded="0" points="3.00,3.00;7.00,3.00;7.00,8.00;3.00,8.00">
      <attribute name="colour">red</attribute>
    </polygon>
    <polygon frame="2" outside="1" {SHAPE} points="3.00,3.00;7.00,3.00;7.00,8.00;3.00,8.00"></polygon>
  </track>
  <track id="1" label="person" source="manual" group_id="4">
    <mask frame="1" outside="0" {SHAPE} rle="1, 2, 2, 4" left="20" top="10" width="3" height="3"></mask>
    <mask frame="2" outside="1" {SHAPE} rle="1, 2, 2, 4" left="20" top="10" width="3" height="3"></mask>
  </track>
  <track id="2" label="person" source="manual" group_id="4">
    <mask frame="2" outside="0" {SHAPE} rle="0, 6" left="21" top="10" width="2" height="3"></mask>
  </track>
"""


def write_export(
    folder: Path, tracks: str = TRACKS, start: int = 0, stop: int = 2, step: str = '', images: int = 3, head: str = HEAD
) -> Path:
    write_frames(folder / 'images', [f'frame_{t:06d}.png' for t in range(images)])
    text = head.format(start=start, stop=stop, filter=step, size=images) + tracks + '</annotations>\n'
    (folder / 'annotations.xml').write_text(text, encoding='utf-8')
    return folder


def test_polygons_and_masks_frame_by_frame(tmp_path, written):
    converted = convert_cvat(write_export(tmp_path / 'street'))
    content = written(converted)
    assert content['categories'] == [dict(id=1, name='car'), dict(id=2, name='person')]
    assert content['videos'][0]['file_names'] == [f'images/frame_{t:06d}.png' for t in range(3)]
    car, first, second = converted.videos[0].tracks
    assert (masks_of(car, 3) == [box(2, 3, 4, 5), box(3, 3, 4, 5), box(0, 0, 0, 0)]).all()
    expected = box(0, 0, 0, 0)
    expected[10:13, 20:23] = [[0, 1, 1], [0, 0, 1], [1, 1, 1]]  # row by row, background first
    assert list(first.rles) == [1]
    assert (masks_of(first, 3)[1] == expected).all()
    assert (masks_of(second, 3)[2] == box(21, 10, 2, 3)).all()


def test_groups_join_the_masks_of_an_object(tmp_path):
    tracks = convert_cvat(write_export(tmp_path), join_groups=True).videos[0].tracks
    assert [(track.category, list(track.rles)) for track in tracks] == [('car', [0, 1]), ('person', [1, 2])]


def test_several_exports_are_several_videos(tmp_path, written):
    for name in ('b', 'a'):
        write_export(tmp_path / name)
    content = written(convert_cvat(tmp_path))
    assert [video['file_names'][0] for video in content['videos']] == [
        'a/images/frame_000000.png',
        'b/images/frame_000000.png',
    ]


def test_a_task_may_have_a_part_of_the_frames_of_its_video(tmp_path):
    track = f"""<track id="0" label="car"><polygon frame="14" outside="0" {SHAPE} points="2,3;6,3;6,8;2,8"/></track>"""
    converted = convert_cvat(write_export(tmp_path, track, start=10, stop=14, step='step=2'))
    assert list(converted.videos[0].tracks[0].rles) == [2]


def test_boxes_and_ellipses(tmp_path):
    track = f"""<track id="0" label="car">
      <box frame="0" outside="0" {SHAPE} xtl="2" ytl="3" xbr="6" ybr="8"/>
      <box frame="1" outside="0" {SHAPE} xtl="4" ytl="6" xbr="14" ybr="10" rotation="90"/></track>
    <track id="1" label="person"><ellipse frame="0" outside="0" {SHAPE} cx="15" cy="10" rx="6" ry="3"/></track>"""
    folder = write_export(tmp_path, track)
    with pytest.raises(InputError, match='track 0, frame 0: is a box, expected a mask; .*--boxes'):
        convert_cvat(folder)
    box_track, ellipse = convert_cvat(folder, boxes=True).videos[0].tracks
    masks = masks_of(box_track, 2)
    assert (masks == [box(2, 3, 4, 5), box(7, 3, 4, 10)]).all()  # 10 x 4 around (9, 8), turned
    (mask,) = masks_of(ellipse, 1)
    assert abs(int(mask.sum()) - np.pi * 6 * 3) < 6
    assert (np.flatnonzero(mask.any(0))[[0, -1]] == [9, 20]).all()


@given(arrays.arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 8))), st.integers(0, 14), st.integers(0, 22))
@settings(max_examples=15, deadline=None)
def test_masks_come_back_as_they_were(mask, top, left):
    edges = np.flatnonzero(np.diff(mask.ravel(), prepend=False, append=not mask.ravel()[-1]))
    runs = np.diff(np.concatenate([[0], edges]))
    height, width = mask.shape
    shape = f'rle="{", ".join(map(str, runs))}" left="{left}" top="{top}" width="{width}" height="{height}"'
    with tempfile.TemporaryDirectory() as folder:
        tracks = f'<track id="0" label="car"><mask frame="0" outside="0" {SHAPE} {shape}/></track>'
        (video,) = convert_cvat(write_export(Path(folder), tracks, stop=0, images=1)).videos
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[top : top + height, left : left + width] = mask
    assert (masks_of(video.tracks[0], 1)[0] == expected).all()


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('label="car"', 'label="bus"', r"track 0: label 'bus' is not in meta \(there: car, person\)"),
        ('label="car"', '', "track 0: <track> has no 'label'"),
        ('frame="2" outside="1"', 'frame="3" outside="1"', 'track 0, frame 3: no such frame in the task'),
        ('frame="1" outside="0"', 'frame="x" outside="0"', "track 0: 'frame' is 'x', expected a number"),
        ('frame="1" outside="0"', 'frame="0" outside="0"', 'track 0, frame 0: two shapes in one frame'),
        ('points="2.00,3.00;', 'points="2.00;', 'track 0, frame 0: points are not pairs'),
        ('points="2.00,3.00;6.00,3.00;6.00,8.00;', 'points="1,2;', 'track 0, frame 0: polygon 0 has 4 numbers'),
        ('points="2.00,3.00;', 'points="nan,3.00;', 'track 0, frame 0: polygon 0 has a coordinate far outside'),
        ('<mask frame="1"', '<points frame="1"', 'valid XML'),
        ('rle="1, 2, 2, 4" left="20"', 'rle="1, 2, 2, 5" left="20"', 'rle adds up to 10, expected 3 x 3'),
        ('rle="1, 2, 2, 4" left="20"', 'rle="1, a" left="20"', 'rle is not a list of whole numbers'),
        ('left="20"', 'left="28"', r'mask of 3 x 3 pixels at \(28, 10\) is empty or goes beyond the image of 30 x 20'),
        (
            '<original_size><width>30',
            '<original_size><width>60',
            'original_size is 60 x 20, but the images are 30 x 20',
        ),
        ('<name>car</name>', '<name></name>', 'no names in meta'),
        ('<task>', '<project>', 'not valid XML'),
        ('<size>3</size>', '<size>many</size>', "size is 'many', expected a whole number"),
        ('<stop_frame>2<', '<stop_frame>3<', 'names 4 frames, but 3 are in .*images'),
        ('<annotations>', '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hosts">]><annotations>', 'has a DOCTYPE'),
        ('<annotations>', '<annotations><image id="0"/>', 'not in the format "CVAT for video 1.1"'),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path, old, new, message):
    folder = write_export(tmp_path)
    path = folder / 'annotations.xml'
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=f'CVAT file {path}: .*{message}'):
        convert_cvat(folder)


def test_a_gap_between_shapes_is_not_interpolated(tmp_path):
    shape = f'outside="0" {SHAPE} points="2,3;6,3;6,8;2,8"'
    track = f'<track id="0" label="car"><polygon frame="0" {shape}/><polygon frame="2" {shape}/></track>'
    with pytest.raises(
        InputError, match='frame 2: the shape before is 2 frames earlier, and the frames between have none'
    ):
        convert_cvat(write_export(tmp_path, track))


def test_shapes_without_an_area_are_refused(tmp_path):
    track = f'<track id="0" label="car"><polyline frame="0" outside="0" {SHAPE} points="2,3;6,3;6,8"/></track>'
    with pytest.raises(InputError, match='track 0, frame 0: a polyline has no area'):
        convert_cvat(write_export(tmp_path, track))


def test_missing_files_are_named(tmp_path):
    folder = write_export(tmp_path / 'street')
    with pytest.raises(InputError, match='annotations.xml: expected the folder of an export'):
        convert_cvat(folder / 'annotations.xml')
    (folder / 'annotations.xml').unlink()
    with pytest.raises(InputError, match='CVAT file .*street/annotations.xml: no such file'):
        convert_cvat(tmp_path)
    with pytest.raises(InputError, match='nowhere: no such folder'):
        convert_cvat(tmp_path / 'nowhere')


def test_a_project_is_refused(tmp_path):
    head = HEAD.replace('<task>', '<project>').replace('</task>', '</project>')
    with pytest.raises(InputError, match='neither meta/task nor meta/job; export each task by itself'):
        convert_cvat(write_export(tmp_path, head=head))
