"""What a file or a pipe is shows from its content, not from its name."""

import io
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmrcf import inputs
from mmrcf.errors import InputError, InputFileError
from mmrcf.inputs import kept_inputs
from mmrcf.media import FrameSource, ImageSource, ImageWriter, VideoSource, open_source, require_source

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


KINDS = ('PNG', 'GIF', 'JPEG', 'BMP', 'WEBP', 'PPM', 'AVIF')


def test_images_of_mixed_kinds_follow_one_another(tmp_path: Path) -> None:
    content = b''.join(encoded(1 + index % 6, kind) + b'\0\0' for index, kind in enumerate((*KINDS, 'TIFF')))
    (tmp_path / 'all').write_bytes(content)
    for path in (tmp_path / 'all', fifo(tmp_path / 'pipe', content)):
        assert numbers(open_source(path)) == [1, 2, 3, 4, 5, 6, 1, 2]


@pytest.mark.parametrize('kind', ['GIF', 'WEBP', 'AVIF', 'PNG'])
def test_animations_one_after_the_other(kind: str, tmp_path: Path) -> None:
    options = dict(save_all=True, duration=100)
    content = b''.join(encoded(number, kind, append_images=[picture(number + 1)], **options) for number in (1, 3))
    with open_source(fifo(tmp_path / 'pipe', content)) as source:
        frames = list(source)
    assert [round(frame.image[:, :14, 0].mean() / 40) for frame in frames] == [1, 2, 3, 4]
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3])


@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'GIF'])
@pytest.mark.parametrize('number', [1, 2, 3])
def test_an_image_that_is_cut_short_is_the_only_one_lost(
    kind: str, number: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images = [encoded(index, kind) for index in (1, 2, 3)]
    images[number - 1] = images[number - 1][: -30 if kind == 'PNG' else -16]
    (tmp_path / 'folder').mkdir()
    for index, content in enumerate(images):
        (tmp_path / 'folder' / f'{index}.jpg').write_bytes(content)
    (tmp_path / 'all').write_bytes(b''.join(images))
    pipe = fifo(tmp_path / 'pipe', b''.join(images))
    position = sum(map(len, images[: number - 1]))
    for path, name in (
        (tmp_path / 'folder', f'folder/{number - 1}.jpg: '),
        (tmp_path / 'all', f'{number} of .*all .at byte {position}'),
        (pipe, f'{number} of .*pipe .at byte {position}'),
    ):
        caplog.clear()
        with open_source(path) as source:
            frames = list(source)
        left = [index for index in range(3) if index != number - 1]
        assert [frame.index for frame in frames] == left and source.skipped == 1
        assert [frame.time for frame in frames] == pytest.approx([index / 6 for index in left])
        assert [round(frame.image[:, :14, 0].mean() / 40) - 1 for frame in frames] == left
        assert re.search(f'image .*{name}', caplog.text)


@pytest.mark.parametrize('size', [10, 30, 100, 200, 500])
def test_a_jpeg_that_is_cut_short_in_its_header_is_the_only_one_lost(size: int, tmp_path: Path) -> None:
    """At 10 bytes in its first segment, then in the first table, behind it, and in its Huffman tables."""
    images = [encoded(number, 'JPEG', quality=75) for number in (1, 2, 3, 4)]
    assert images[1].index(b'\xff\xda') > 500
    images[1] = images[1][:size]
    found = numbers(open_source(fifo(tmp_path / 'pipe', b''.join(images))))
    assert [number for number in found if number != 2] == [1, 3, 4]


def test_memory_does_not_grow_with_the_images_of_a_pipe(tmp_path: Path) -> None:
    """Each is written to the same temporary file, for decoders that read files."""
    with kept_inputs():
        sizes = []
        for frame in open_source(fifo(tmp_path / 'pipe', 200 * encoded(1, 'JPEG'))):
            if frame.index in (20, 199):
                sizes.append(len(repr([vars(block.inputs) for block in inputs._running()])))
    assert len(sizes) == 2 and sizes[1] - sizes[0] < 10, 'the files that count as read'


def test_an_empty_pipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r'input .*pipe: nothing came from the pipe'):
        open_source(fifo(tmp_path / 'pipe', b''))


def test_what_is_no_image_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that arrives in two parts is found."""
    monkeypatch.setattr('mmrcf.utils.image_stream.MAX_IMAGE_BYTES', 2**17)
    content = encoded(1, 'PNG') + bytes([1]) * (2**19 - 3) + encoded(2, 'PNG')
    assert numbers(open_source(fifo(tmp_path / 'pipe', content))) == [1, 2]


def test_what_lies_between_images_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = encoded(1, 'JPEG')
    assert numbers(open_source(fifo(tmp_path / 'pipe', first + b'a line of text' + encoded(2, 'PNG')))) == [1, 2]
    assert f'14 bytes at byte {len(first)} are no image' in caplog.text


def test_photos_with_further_pictures_one_after_the_other(tmp_path: Path) -> None:
    """A camera's photo has a multi-picture index, a phone's the lengths of its parts."""
    for number in (1, 2):
        picture(number).save(tmp_path / f'{number}.jpg', 'MPO', save_all=True, append_images=[picture(5)])
    cameras = b''.join((tmp_path / f'{number}.jpg').read_bytes() for number in (1, 2))
    part = encoded(5, 'JPEG')
    container = (
        '<x:xmpmeta xmlns:Container="http://ns.google.com/photos/1.0/container/"><Container:Item '
        f'Item:Semantic="Primary"/><Container:Item Item:Semantic="Depth" Item:Length="{len(part)}"/></x:xmpmeta>'
    )
    phones = b''.join(encoded(number, 'JPEG', xmp=container.encode()) + part for number in (3, 4))
    (tmp_path / 'all').write_bytes(cameras + phones)
    for source in (open_source(tmp_path / 'all'), open_source(fifo(tmp_path / 'pipe', cameras + phones))):
        assert numbers(source) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ('items', 'between', 'expected'),
    [
        ('<Container:Item Item:Semantic="Primary"/>', b'', [1, 2]),
        (
            "<C:Item I:Semantic='Primary' I:Padding='9'/><C:Item I:Semantic='GainMap' I:Length='4'/>",
            b'padding..map.',
            [1, 2],
        ),
        ('<C:Item I:Semantic="Primary"/><C:Item I:Semantic="GainMap"/>', b'', [1]),
    ],
)
def test_what_belongs_to_a_photo_shows_from_its_items(
    items: str, between: bytes, expected: list[int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A photo of which that does not show takes all that follows, with a warning."""
    metadata = f'<x:xmpmeta xmlns:C="http://ns.google.com/photos/1.0/container/">{items}</x:xmpmeta>'.encode()
    content = b''.join(encoded(number, 'JPEG', xmp=metadata) + between for number in (1, 2))
    assert numbers(open_source(fifo(tmp_path / 'pipe', content))) == expected
    assert ('does not say which of them belong to it' in caplog.text) == (expected == [1])
    assert 'are no image' not in caplog.text


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('order', ['<', '>'])
def test_floats_through_a_pipe_are_as_bright_as_from_a_file(channels: int, order: str, tmp_path: Path) -> None:
    values = np.repeat(np.linspace(0, 1, 12).reshape(3, 4, 1), channels, axis=2).astype(f'{order}f4')
    header = f'P{"f" if channels == 1 else "F"}\n4 3\n{-1 if order == "<" else 1}.0\n'
    (tmp_path / 'a.pfm').write_bytes(header.encode() + values.tobytes())
    expected = (255 * values[::-1] + 0.5).astype(np.uint8).repeat(3 // channels, axis=2)
    for source in (tmp_path / 'a.pfm', fifo(tmp_path / 'pipe', 2 * (tmp_path / 'a.pfm').read_bytes())):
        with open_source(source) as frames:
            for frame in frames:
                np.testing.assert_array_equal(frame.image, expected)


def test_a_picture_of_a_pipe_is_there_before_the_next_one(tmp_path: Path) -> None:
    """As of a camera that sends its pictures into a pipe."""
    reading, writing = os.pipe()
    with os.fdopen(writing, 'wb', buffering=0) as pipe, os.fdopen(reading):
        pipe.write(encoded(1, 'JPEG'))
        with open_source(f'/dev/fd/{reading}') as source:
            frames = iter(source)
            for number in (1, 2, 3):
                assert round(next(frames).image[:, :14, 0].mean() / 40) == number
                pipe.write(encoded(number + 1, 'JPEG'))


def test_a_video_that_is_named_as_an_image(tmp_path: Path, write_clip: Callable[..., Path]) -> None:
    clip = write_clip(tmp_path / 'clip.mp4').rename(tmp_path / 'clip.jpg')
    with open_source(clip) as source:
        assert isinstance(source, VideoSource) and len(list(source)) == 8


def test_the_times_of_an_animation_grow(tmp_path: Path) -> None:
    """An animated PNG may show a picture for a tenth of a millisecond."""
    (tmp_path / 'a.png').write_bytes(
        encoded(1, 'PNG', save_all=True, append_images=[picture(2), picture(3)], duration=0.1)
    )
    with open_source(tmp_path / 'a.png') as source:
        assert [frame.time for frame in source] == pytest.approx([0, 0.001, 0.002])
        assert source.fps == pytest.approx(1000)


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


@pytest.mark.parametrize('name', ['{}.mp4', '{}/*.jpg', '*{}', 'file:{}', 'a\0.mp4'])
def test_a_name_that_no_file_system_takes(name: str, in_tmp_path: Path) -> None:
    source = name.format('a' * 300)
    for opens in (open_source, require_source):
        if not (opens is require_source and '*' in name):
            with pytest.raises(InputFileError, match='no such file|holds no images|File name too long'):
                opens(source)
