"""What a file or a pipe is shows from its content, not from its name."""

import io
import os
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmrcf.errors import InputError
from mmrcf.media import FrameSource, ImageSource, ImageWriter, VideoSource, open_source

ORIENTATION, QUARTER_TURN = 0x112, 6


def picture(number: int) -> Image.Image:
    """32x24 pixels whose left half is as red as ``number`` says."""
    image = np.zeros((24, 32, 3), np.uint8)
    image[:, :16, 0] = 40 * number
    return Image.fromarray(image)


def encoded(number: int, kind: str, **options) -> bytes:
    content = io.BytesIO()
    picture(number).save(content, kind, **options)
    return content.getvalue()


def numbers(source: FrameSource) -> list[int]:
    with source:
        return [round(frame.image[:, :14, 0].mean() / 40) for frame in source]


def fifo(path: Path, content: bytes) -> Path:
    os.mkfifo(path)
    threading.Thread(target=lambda: path.write_bytes(content), daemon=True).start()
    return path


def copy_frames(source: FrameSource, path: Path) -> list[np.ndarray]:
    with ImageWriter(path, source) as writer:
        frames = list(source)
        for frame in frames:
            writer.add(frame.image, frame.time)
    return [frame.image for frame in frames]


@pytest.mark.parametrize(
    ('kind', 'name'),
    [
        ('JPEG', 'all.jpg'),
        ('JPEG', 'raw.mjpeg'),
        ('PNG', 'a'),
        ('BMP', 'a.png'),
        ('PPM', 'all.ppm'),
        ('WEBP', 'all.webp'),
    ],
)
def test_images_one_after_the_other_are_a_video(kind: str, name: str, tmp_path: Path) -> None:
    content = b''.join(encoded(number, kind) for number in range(1, 6))
    (tmp_path / name).write_bytes(content)
    assert numbers(open_source(tmp_path / name)) == [1, 2, 3, 4, 5]
    assert numbers(open_source(fifo(tmp_path / 'pipe', content))) == [1, 2, 3, 4, 5]
    with open_source(tmp_path / name, fps=10) as source:
        np.testing.assert_allclose([frame.time for frame in source], np.arange(5) / 10, atol=1e-6)


@pytest.mark.parametrize(
    ('header', 'size'),
    [
        (b'P6 # a comment 7 7 7\n5 # of columns\n3\n255\n', 45),
        (b'P5\n5 3\n255\n', 15),
        (b'P5\n5 3\n4095\n', 30),
        (b'P4\n9 3\n', 6),
    ],
)
def test_the_end_of_a_netpbm_image_is_that_of_its_samples(header: bytes, size: int, tmp_path: Path) -> None:
    path = tmp_path / 'a.pnm'
    image = header + b'\x01' * size
    for content, count in ((image, 1), (image + b'P6', 1), (image + image[:-1], 1), (3 * image, 3)):
        path.write_bytes(content)
        with open_source(path) as source:
            assert len(list(source)) == count, content


@pytest.mark.parametrize('kind', ['PNG', 'GIF', 'WEBP', 'AVIF', 'TIFF'])
def test_an_animation_through_a_pipe_has_its_frames(kind: str, tmp_path: Path) -> None:
    content = encoded(1, kind, save_all=True, append_images=[picture(2), picture(3)], duration=100)
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)

    def dribble() -> None:
        with pipe.open('wb', buffering=0) as file:
            for byte in content[:80]:  # a format does not show from the first bytes that arrive
                file.write(bytes([byte]))
            file.write(content[80:])

    threading.Thread(target=dribble, daemon=True).start()
    assert numbers(open_source(pipe)) == [1, 2, 3]


def test_pictures_that_belong_to_one_photo_are_no_frames(tmp_path: Path) -> None:
    whole, preview = picture(2), picture(5).resize((16, 12))
    whole.save(tmp_path / 'camera.jpg', 'MPO', save_all=True, append_images=[preview])
    container = b'<x:xmpmeta xmlns:Container="http://ns.google.com/photos/1.0/container/"/>'
    (tmp_path / 'phone.jpg').write_bytes(encoded(2, 'JPEG', xmp=container) + encoded(5, 'JPEG'))
    for name in ('camera.jpg', 'phone.jpg'):
        assert numbers(open_source(tmp_path / name)) == [2]


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'TIFF', 'WEBP', 'AVIF', 'GIF'])
def test_an_image_through_a_pipe_is_that_of_its_file(kind: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER_TURN
    options = {'GIF': {}, 'JPEG': dict(exif=exif, subsampling=0)}  # else decoders differ at an edge
    content = encoded(4, kind, **options.get(kind, dict(exif=exif)))
    (tmp_path / 'image').write_bytes(content)
    images = []
    for source in (open_source(tmp_path / 'image'), open_source(fifo(tmp_path / 'pipe', content))):
        with source:
            (image,) = copy_frames(source, tmp_path / 'out.png')
        images.append(image.astype(int))
        np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'out.png'))[..., ::-1], image)
    assert images[0].shape == ((24, 32, 3) if kind == 'GIF' else (32, 24, 3))
    np.testing.assert_allclose(*images, atol=3)


def test_several_images_through_a_pipe_are_no_image(tmp_path: Path) -> None:
    pipe = fifo(tmp_path / 'pipe', 2 * encoded(1, 'JPEG'))
    with open_source(pipe) as source, pytest.raises(InputError, match=r'out\.png: is an image, but .*pipe is a video'):
        copy_frames(source, tmp_path / 'out.png')
    assert not (tmp_path / 'out.png').exists()


def test_a_video_that_is_named_as_an_image(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.mp4').rename(tmp_path / 'clip.jpg')
    with open_source(clip) as source:
        assert isinstance(source, VideoSource) and len(list(source)) == 8


def test_the_frames_of_an_animated_gif_have_its_times(tmp_path: Path) -> None:
    first, *others = (picture(number) for number in (1, 3, 5))
    path = tmp_path / 'a.gif'
    first.save(path, save_all=True, append_images=others, duration=[100, 200, 100])
    for source in (open_source(path), open_source(tmp_path)):
        assert isinstance(source, ImageSource)
        with source:
            frames = list(source)
        assert [round(frame.image[0, 0, 0] / 40) for frame in frames] == [1, 3, 5]
        assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.3])


@pytest.mark.parametrize(('name', 'message'), [('a.txt', 'it is text'), ('a.jpg', 'not an image')])
def test_text_is_no_video(name: str, message: str, tmp_path: Path) -> None:
    """FFmpeg draws text, as a terminal would."""
    (tmp_path / name).write_text('hello world\n' * 50)
    with pytest.raises(InputError, match=message):
        open_source(tmp_path / name)
