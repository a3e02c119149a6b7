import io
import logging
import struct
import sys
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmrcf.errors import InputError, InputFileError
from mmrcf.media import open_source
from mmrcf.utils import read_image
from mmrcf.utils.images import count_frames, is_image_file, read_frames
from mmrcf.utils.white_level import WhiteLevel


def picture(value: int = 0) -> Image.Image:
    """32 pixels wide, 16 high: red, with a green left half of the first row."""
    image = Image.new('RGB', (32, 16), (200, value, 0))
    image.paste((0, 200, 0), (0, 0, 16, 4))
    return image


def content(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture().save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'TIFF', 'AVIF', 'BMP', 'PPM'])
def test_the_content_decides(tmp_path: Path, kind: str) -> None:
    path = tmp_path / 'picture.dat'
    path.write_bytes(content(kind))
    assert is_image_file(path)
    source = open_source(path)
    (frame,) = source
    assert (source.width, source.height, source.num_frames) == (32, 16, 1)
    np.testing.assert_allclose(frame.image[8:].mean((0, 1)), (200, 0, 0), atol=12)
    assert len(list(open_source(tmp_path))) == 1, 'also in a folder'


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'TIFF', 'AVIF'])
@pytest.mark.parametrize(('orientation', 'rotated'), [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_270)])
def test_orientation(tmp_path: Path, kind: str, orientation: int, rotated: Image.Transpose) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    path = tmp_path / 'picture'
    path.write_bytes(content(kind, exif=exif))
    expected = np.asarray(picture().transpose(rotated))
    image = cv2.cvtColor(read_image(path), cv2.COLOR_BGR2RGB)
    assert image.shape == expected.shape and np.abs(image.astype(int) - expected).mean() < 12


@pytest.mark.parametrize('orientation', range(1, 9))
def test_every_orientation(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    (tmp_path / 'picture.png').write_bytes(content('PNG', exif=exif))
    expected = cv2.imdecode(np.frombuffer(content('JPEG', exif=exif, quality=100), np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(read_image(tmp_path / 'picture.png').astype(int) - expected).mean() < 12


@pytest.mark.parametrize('kind', ['TIFF', 'WEBP', 'PNG', 'AVIF'])
def test_frames_of_one_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / 'stack'
    options = {} if kind == 'TIFF' else dict(duration=[100, 300, 200])
    frames = [picture(value) for value in (0, 100, 200)]
    frames[0].save(path, kind, save_all=True, append_images=frames[1:], **options)
    assert count_frames(path) == 3
    source = open_source(path)
    taken = list(source)
    assert source.num_frames == 3 and source.file_names is None
    np.testing.assert_allclose([frame.image[12, 20, 1] for frame in taken], (0, 100, 200), atol=25)
    times = [0, 1 / 6, 1 / 3] if kind == 'TIFF' else [0, 0.1, 0.4]
    np.testing.assert_allclose([frame.time for frame in taken], times, atol=1e-3)
    assert [frame.time for frame in open_source(path, fps=4)] == [0, 0.25, 0.5]


def test_previews_in_a_tiff_are_no_frames(tmp_path: Path) -> None:
    path = tmp_path / 'stack.tif'
    small = picture().resize((8, 4))
    small.encoderinfo = {'tiffinfo': {254: 1}}
    picture().save(path, save_all=True, append_images=[small])
    assert count_frames(path) == 1 and len(list(open_source(path))) == 1


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'TIFF', 'AVIF'])
def test_bytes_behind_a_picture_are_ignored(tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    whole, path = content(kind), tmp_path / 'picture'
    path.write_bytes(whole)
    expected = read_image(path)
    path.write_bytes(whole + b'\xff\xda' + np.random.default_rng(0).bytes(5000))
    np.testing.assert_array_equal(read_image(path), expected)
    assert not caplog.records


@pytest.mark.parametrize(('kind', 'marker'), [('JPEG', 2), ('PNG', 12)])
def test_only_the_end_marker_may_be_missing(
    tmp_path: Path, kind: str, marker: int, caplog: pytest.LogCaptureFixture
) -> None:
    rng = np.random.default_rng(0)
    file, path = io.BytesIO(), tmp_path / 'picture'
    Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(file, kind)
    path.write_bytes(file.getvalue())
    expected = read_image(path)
    path.write_bytes(file.getvalue()[:-marker])
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read_image(path), expected)
    assert 'end marker is missing' in caplog.text
    path.write_bytes(file.getvalue()[: -marker - 30])
    with pytest.raises(InputError, match='cut short'):
        read_image(path)


@pytest.mark.parametrize('suffix', ['png', 'tif'])
@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('depth', [12, 14, 16])
def test_deep_images(tmp_path: Path, suffix: str, channels: int, depth: int) -> None:
    values = np.linspace(0, 2**depth - 1, 64 * channels).reshape(8, 8, channels).astype(np.uint16)
    path = tmp_path / f'deep.{suffix}'
    cv2.imwrite(str(path), values)
    expected = np.broadcast_to(values / (2**depth - 1) * 255, (8, 8, 3))
    np.testing.assert_allclose(read_image(path), expected, atol=0.51)


@pytest.mark.parametrize('white', [1.0, 255.0, 65535.0])
@pytest.mark.parametrize('channels', [1, 3])
def test_floats(tmp_path: Path, white: float, channels: int) -> None:
    values = (white * np.linspace(0, 1, 64 * channels)).reshape(8, 8, channels).astype(np.float32)
    cv2.imwrite(str(tmp_path / 'float.tif'), values, [cv2.IMWRITE_TIFF_COMPRESSION, 1])  # else with loss
    expected = np.broadcast_to(values / white * 255, (8, 8, 3))
    np.testing.assert_allclose(read_image(tmp_path / 'float.tif'), expected, atol=0.51)


RAMP = np.linspace(0, 1, 64).reshape(8, 8)


@pytest.mark.parametrize(
    ('kind', 'largest'),
    [('i1', 2**7), ('i2', 2**12), ('i2', 2**15), ('u4', 2**16), ('u4', 2**32), ('i4', 2**14), ('f4', 2), ('f8', 2)],
)
@pytest.mark.parametrize('is_white_zero', [False, True])
def test_types_of_tiff(tmp_path: Path, kind: str, largest: int, is_white_zero: bool) -> None:
    """All of them are scaled by the brightest value; those that no decoder here knows are refused by name."""
    values = (RAMP * (largest - 1)).astype(f'<{kind}')
    path = tmp_path / 'a.tif'
    sample_format = {'u': 1, 'i': 2, 'f': 3}[kind[0]]
    tags = {256: 8, 257: 8, 258: 8 * values.itemsize, 259: 1, 262: int(not is_white_zero), 273: 8, 277: 1, 278: 8}
    tags |= {279: values.nbytes, 339: sample_format}
    entries = b''.join(struct.pack('<HHII', tag, 4, 1, value) for tag, value in tags.items())
    header = struct.pack('<2sHI', b'II', 42, 8 + values.nbytes)
    path.write_bytes(header + values.tobytes() + struct.pack('<H', len(tags)) + entries + bytes(4))
    if is_white_zero and kind in ('i1', 'u4'):
        with pytest.raises(InputError, match=rf'a\.tif: is a TIFF of u?int{8 * values.itemsize} that cannot be read'):
            read_image(path)
        return
    expected = 255 * (1 - RAMP if is_white_zero else RAMP)
    np.testing.assert_allclose(read_image(path)[..., 0], expected, atol=2.01 if kind == 'i1' else 0.6)


@pytest.mark.parametrize('kind', ['Pf', 'PF'])
def test_pfm(tmp_path: Path, kind: str) -> None:
    values = RAMP if kind == 'Pf' else RAMP[..., None].repeat(3, 2)
    path = tmp_path / 'a.pfm'
    path.write_bytes(f'{kind}\n8 8\n-1.0\n'.encode() + values[::-1].astype('<f4').tobytes())
    path.with_name('b.pfm').write_bytes(f'{kind}\n8 8\n1.0\n'.encode() + values[::-1].astype('>f4').tobytes())
    for source, count in ((path, 1), (tmp_path, 2)):
        with open_source(source) as frames:
            images = [frame.image[..., 0] for frame in frames]
        assert len(images) == count
        np.testing.assert_allclose(images, count * [255 * RAMP], atol=1.5)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r'a\.pfm: .*(cut short|truncated|cannot be decoded)'):
        read_image(path)


def test_white_never_falls() -> None:
    white = WhiteLevel()
    assert white.to_uint8(np.array([4095, 0], np.uint16)).tolist() == [255, 0]
    assert white.to_uint8(np.array([65535, 4095], np.uint16)).tolist() == [255, 16]
    assert white.to_uint8(np.array([4095, 0], np.uint16)).tolist() == [16, 0], 'one video keeps its brightness'
    assert WhiteLevel().to_uint8(np.array([np.nan, np.inf, -1, 0.5], np.float32)).tolist() == [0, 255, 0, 128]


@pytest.mark.parametrize('kind', [np.uint16, np.float32])
def test_scaling_takes_little_memory_beside_the_image(kind: type) -> None:
    values = np.full((4096, 1024), 4095, kind)
    tracemalloc.start()
    scaled = WhiteLevel().to_uint8(values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (scaled == WhiteLevel().to_uint8(values[:1, :1])).all()
    assert peak < scaled.nbytes + values.nbytes // 2


def test_a_bomb_is_not_decoded(tmp_path: Path) -> None:
    """The header of a small file claims 30000x30000 pixels."""
    data = bytearray(content('JPEG'))
    start = data.index(b'\xff\xc0')
    data[start + 5 : start + 9] = (30000).to_bytes(2, 'big') * 2
    (tmp_path / 'bomb.jpg').write_bytes(data)
    with pytest.raises(InputError, match='30000x30000 is more than 67108864 pixels'):
        read_image(tmp_path / 'bomb.jpg')
    path = tmp_path / 'picture.png'
    picture().save(path)
    with pytest.raises(InputError, match='32x16 is more than 511 pixels'):
        next(read_frames(path, WhiteLevel(), max_pixels=511))
    with pytest.raises(InputError, match='more than 511 pixels'):
        open_source(path, max_pixels=511)


def test_the_limit_of_pixels_is_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)  # Pillow refuses twice as many
    for kind in ('PNG', 'TIFF', 'WEBP', 'JPEG', 'GIF'):
        picture().save(tmp_path / 'picture', kind)
        assert read_image(tmp_path / 'picture').shape == (16, 32, 3)


@pytest.mark.skipif(sys.platform == 'win32', reason='has no devices as files')
def test_only_regular_files(tmp_path: Path) -> None:
    link = tmp_path / 'picture.png'
    link.symlink_to('/dev/zero')
    with pytest.raises(InputFileError, match='expected a regular file'):
        read_image(link)
    with pytest.raises(InputError):
        open_source(link)


def test_heic(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip('pillow_heif')
    large = picture().resize((1100, 600))
    pillow_heif.from_pillow(large).save(tmp_path / 'photo.heic', quality=90)
    (frame,) = open_source(tmp_path / 'photo.heic')
    assert frame.image.shape == (600, 1100, 3)
    assert np.abs(frame.image.astype(int) - np.asarray(large)).mean() < 6
