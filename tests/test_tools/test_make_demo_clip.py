"""tools/misc/make_demo_clip.py photographs: the clip of two people and a cat."""

import json
from pathlib import Path
from types import ModuleType

import av
import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

FRAMES = 150


@pytest.fixture(scope='module')
def script(load_script) -> ModuleType:
    return load_script('tools/misc/make_demo_clip.py')


@pytest.fixture(scope='module')
def images(script: ModuleType) -> dict[str, np.ndarray]:
    return {name: photograph.read() for name, photograph in script.PHOTOGRAPHS.items()}


@pytest.fixture(scope='module')
def filmed(script: ModuleType, images: dict[str, np.ndarray]) -> list[np.ndarray]:
    return list(script.film_canvas(script.paint_canvas(images, script.place_photographs(images)), oversampling=1))


def visible_share(script: ModuleType, images: dict[str, np.ndarray], name: str) -> np.ndarray:
    """How much of the width that the clip uses of a photograph each frame shows, in [0, 1]."""
    place = script.place_photographs(images)[name]
    first, last = (column * place.scale + place.left for column in script.PHOTOGRAPHS[name].columns)
    edges = np.array([(left, left + script.CLIP_WIDTH / scale) for left, _, scale in script.camera_windows()])
    return (np.minimum(edges[:, 1], last) - np.maximum(edges[:, 0], first)).clip(0) / (last - first)


def test_the_photographs_are_those_that_the_masks_were_drawn_on(
    images: dict[str, np.ndarray], repository: Path
) -> None:
    content = json.loads((repository / 'tests/data/photograph_masks.json').read_text())
    drawn = {item['name']: item for item in content['photographs']}
    assert drawn.keys() == images.keys()
    means = {'grace_hopper': (56, 59, 80), 'astronaut': (74, 95, 162), 'chelsea': (77, 107, 147)}  # BGR
    for name, image in images.items():
        mask = mask_utils.decode(drawn[name]['segmentation']) > 0
        assert mask.shape == image.shape[:2] and 0.3 < mask.mean() < 0.9
        assert drawn[name]['licence'] and drawn[name]['author'] and name in drawn[name]['source']
        np.testing.assert_allclose(image[mask].mean(0), means[name], atol=2)
    ignored = mask_utils.decode(drawn['chelsea']['ignored'])
    assert not (ignored & mask_utils.decode(drawn['chelsea']['segmentation'])).any()


@pytest.mark.slow
def test_the_clip_is_written_and_the_same_each_time(script: ModuleType, filmed: list, tmp_path: Path) -> None:
    for name in ('a.mp4', 'b.mp4'):
        script.write_clip(tmp_path / name, filmed[:20], script.CLIP_FPS, 30)
    assert (tmp_path / 'a.mp4').read_bytes() == (tmp_path / 'b.mp4').read_bytes()
    script.main(['photographs', '--out', str(tmp_path / 'new/clip.mp4'), '--crf', '30'])
    with av.open(str(tmp_path / 'new/clip.mp4')) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (640, 360, 15)
        assert stream.codec_context.name == 'h264' and not container.streams.audio
        written = [frame.to_ndarray(format='bgr24') for frame in container.decode(video=0)]
    assert len(written) == len(filmed) == FRAMES
    for index in (0, FRAMES // 2, FRAMES - 1):
        assert np.abs(written[index].astype(int) - filmed[index]).mean() < 8


def test_the_clip_that_ships_is_that_of_the_tool(filmed: list, repository: Path) -> None:
    with av.open(str(repository / 'demo/photographs.mp4')) as container:
        shipped = [frame.to_ndarray(format='bgr24') for frame in container.decode(video=0)]
    assert len(shipped) == FRAMES
    assert max(np.abs(shipped[index].astype(int) - filmed[index]).mean() for index in range(0, FRAMES, 10)) < 8


def test_every_frame_is_filled_and_the_camera_moves_gently(script: ModuleType, images: dict, filmed: list) -> None:
    height, width = script.paint_canvas(images, script.place_photographs(images)).shape[:2]
    windows = np.array(script.camera_windows())
    left, top, scale = windows.T
    assert left.min() >= 0 and top.min() >= 0
    assert (left + script.CLIP_WIDTH / scale).max() <= width + 1 and (top + script.CLIP_HEIGHT / scale).max() <= height
    centres = np.stack([left + script.CLIP_WIDTH / scale / 2, top + script.CLIP_HEIGHT / scale / 2], axis=1)
    assert (np.abs(np.diff(centres, axis=0)) * scale[1:, None]).max() < 12, 'pixels of the clip between frames'
    assert np.abs(np.diff(np.log(scale))).max() < 0.01
    assert np.abs(np.diff(centres, n=2, axis=0)).max() < 1.5, 'no jerk'


def test_people_and_cat_are_visible_and_together(script: ModuleType, images: dict, filmed: list) -> None:
    hopper, astronaut, cat = (visible_share(script, images, name) for name in script.PHOTOGRAPHS)
    assert hopper[0] == astronaut[0] == 1 and hopper[-1] < 0.5
    assert cat[0] < 0.5 and astronaut[-1] == cat[-1] == 1
    assert ((astronaut > 0.7) & (cat > 0.6)).sum() >= script.CLIP_FPS, 'a person and the cat for a second or more'
    blue, orange = ((100, 80, 60), (125, 255, 255)), ((3, 170, 130), (15, 255, 255))  # hue, saturation, value

    def share(index: int, colour: tuple) -> float:
        return cv2.inRange(cv2.cvtColor(filmed[index], cv2.COLOR_BGR2HSV), *colour).mean() / 255

    assert share(0, blue) > 1.2 * share(FRAMES - 1, blue) > 0, 'the background of Grace Hopper'
    assert share(0, orange) > 0.005 and share(FRAMES - 1, orange) > 0.005, "the astronaut's suit"


def test_missing_packages_and_photographs_are_named(script: ModuleType) -> None:
    with pytest.raises(ValueError, match='not_installed: is not installed'):
        script.Photograph('not_installed', 'a.png', (0, 1), 1).read()
    with pytest.raises(FileNotFoundError, match=r'photograph .*gone\.png: no such file'):
        script.Photograph('skimage', 'data/gone.png', (0, 1), 1).read()
