"""Images that follow one another in a file or a pipe, told apart by the structure of their formats.

The kinds may be mixed. An image that is cut short ends where the next one starts, so that only this one is lost.
"""

import io
import logging
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mmrcf.errors import InputError

from .container import MAX_SKIP_WARNINGS, ByteStream
from .image_files import SIGNATURE_BYTES, decoder_errors, image_format

logger = logging.getLogger(__name__)

MAX_IMAGE_BYTES = 2**29
"""Largest image that is read from a pipe."""

_READ_BYTES = 2**16
_MAX_HEADER = 2**18
_MAX_START = 2**12
_SHORTEST_IMAGE = 8
# Starts that are long enough not to occur by chance in compressed data; of JPEGs also short ones, behind an end marker.
_START = re.compile(
    rb'\x89PNG\r\n\x1a\n|(\xff\xd9[\0\s]*)(?=\xff\xd8\xff)|GIF8[79]a|RIFF....WEBP|BM....\0\0\0\0|II\*\0|MM\0\*'
    rb'|\xff\xd8\xff(?:\xe0..(?:JFIF|AVI1)|\xe1..(?:Exif|http)|\xee..Adobe|\xdb\0[\x43\x84]|\xfe)'
    rb'|P[456]\s+\d+\s+\d+\s|P[fF]\s+\d+\s+\d+\s+[-.\d]|....ftyp(?:avi[fs]|hei[cfsx]|mif1|msf1)',
    re.DOTALL,
)
# A damaged JPEG may hold a preview, which is not the next image.
_START_AFTER_JPEG = re.compile(_START.pattern.replace(rb'|\xff\xd8\xff(', rb'|(?!)('), re.DOTALL)
_NOTHING = re.compile(rb'(?!)')
_JPEG_START = b'\xff\xd8\xff'
_JPEG_MARKER = re.compile(rb'\xff[^\0\xff\xd0-\xd7]', re.DOTALL)
_SPACE = rb'(?:\s|#[^\n]*\n)+'
_PNM_HEADER = re.compile(
    rb'P(?:4%b(\d+)%b(\d+)|([56])%b(\d+)%b(\d+)%b(\d+)|([fF])\s+(\d+)\s+(\d+)\s+[-+.\deE]+)\s' % ((_SPACE,) * 5)
)
_NEXT_PNM = re.compile(rb'(?<=\s)P[1-6fF]\s')
_FIRST_BOXES = (b'ftyp', b'jP  ')
_BOXES = frozenset((b'free', b'idat', b'mdat', b'meta', b'moov', b'skip', b'uuid', b'mpvd', b'moof', b'mfra', b'sidx'))
# Of a phone's photo, whose further JPEGs are depth maps and the like.
_PHOTO_PARTS = b'ns.google.com/photos/1.0/container'
_PHOTO_ITEM = re.compile(rb'<\w+:Item\b[^>]*>')
_PRIMARY_ITEM = re.compile(rb':Semantic\s*=\s*["\']Primary["\']')
_ITEM_LENGTH = re.compile(rb':Length\s*=\s*["\'](0*[1-9]\d{0,11})["\']')
_ITEM_PADDING = re.compile(rb':Padding\s*=\s*["\'](\d{1,12})["\']')  # behind an item
# Start of a multi-picture index, and its tag: for each picture 16 bytes, among them its size and its position.
_INDEX, _ENTRIES = b'MPF\0', 0xB002


class _Damaged(Exception):
    """Raised where an image does not go on as its format says."""


class _Taken:
    """The bytes of a stream from the start of an image on, taken step by step.

    Attributes:
        start: Position of the image in the stream.
        position: Number of bytes of the image that have been taken.
    """

    def __init__(self, stream: ByteStream, name: str) -> None:
        self._stream = stream
        self._name = name
        self._buffer = bytearray()
        self.start = 0
        self.position = 0

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer at the end of the stream; they are not taken."""
        while len(self._buffer) < self.position + size and self._read():
            pass
        return bytes(self._buffer[self.position : self.position + size])

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes. Raises EOFError after taking what there is."""
        if size < 0:
            raise _Damaged
        content = self.peek(size)
        self.position += len(content)
        if len(content) < size:
            raise EOFError
        return content

    def take_until(self, pattern: re.Pattern[bytes]) -> None:
        """Take what comes before ``pattern``, with its group if it has one; all if it does not come."""
        begin = self.position
        while (match := pattern.search(self._buffer, begin)) is None:
            begin = max(begin, len(self._buffer) - _MAX_START)
            if not self._read():
                self.position = len(self._buffer)
                return
        self.position = _end_before(match)

    def leave_out(self, pattern: re.Pattern[bytes]) -> int:
        """Leave out a byte and, as :meth:`take_until`, what follows, in constant memory; returns their number."""
        first, begin = self.start, 1
        while (match := pattern.search(self._buffer, begin)) is None:
            self.position = max(begin, len(self._buffer) - _MAX_START)
            self.cut()
            begin = 0
            if not self._read():
                self.position = len(self._buffer)
                break
        else:
            self.position = _end_before(match)
        self.cut()
        return self.start - first

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
        """The header that the next bytes are, which is taken."""
        while (match := pattern.match(self._buffer, self.position)) is None:
            if len(self._buffer) - self.position > _MAX_HEADER or not self._read():
                raise _Damaged
        self.position = match.end()
        return match

    def take_all(self) -> None:
        """Take the rest of the stream."""
        while self._read():
            pass
        self.position = len(self._buffer)

    def cut(self) -> bytes:
        """The image as far as it was taken; the next one starts here."""
        content = bytes(self._buffer[: self.position])
        del self._buffer[: self.position]
        self.start += self.position
        self.position = 0
        return content

    def _read(self) -> bool:
        if len(self._buffer) > MAX_IMAGE_BYTES:
            raise InputError(
                f'{self._name}: the image at byte {self.start} has more than {MAX_IMAGE_BYTES >> 20} MiB; give it as '
                'a file of its own'
            )
        content = self._stream.read(_READ_BYTES)
        self._buffer += content
        return bool(content)


def _end_before(match: re.Match[bytes]) -> int:
    """Where that ends which comes before a start: behind the group of the match if it has one."""
    return match.end(match.lastindex) if match.lastindex else match.start()


def split_images(stream: ByteStream, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the images of a stream, each as soon as it has arrived; also those that are damaged or cut short.

    The formats TIFF and JPEG 2000 do not say where an image ends: it takes all that follows. An AVIF, HEIC or netpbm
    image in letters ends where something else starts, so it is yielded then. Further pictures that belong to a photo,
    such as previews and depth maps, are left out. What is no image is left out with a warning.

    Args:
        stream: Read once, from its start.
        name: Name for messages.

    Yields:
        Position in the stream, in bytes, and content of an image.

    Raises:
        InputError: An image is longer than MAX_IMAGE_BYTES.
    """
    taken = _Taken(stream, name)
    num_gaps = 0
    while start := taken.peek(SIGNATURE_BYTES):
        offset = taken.start
        if image_format(start) is not None:
            content = _take_image(taken)
            yield offset, content
            if not _skip_parts(taken, content):
                if taken.peek(1):
                    size = taken.leave_out(_NOTHING)
                    logger.warning(
                        '%s: the last %d bytes are left out, since the photo at byte %d does not say which of them '
                        'belong to it; give the photos as files of their own',
                        name,
                        size,
                        offset,
                    )
                return
        else:
            size = taken.leave_out(_START)
            num_gaps += 1
            if num_gaps <= MAX_SKIP_WARNINGS:
                logger.warning('%s: %d bytes at byte %d are no image; left out', name, size, offset)


def is_image_sequence(path: str | Path) -> bool:
    """Whether whole images follow one another in a file, as in raw MJPEG and ``cat *.png``: a video without times."""
    try:
        taken = _Taken(ByteStream(path, f'input {path}'), str(path))
        kind = image_format(taken.peek(SIGNATURE_BYTES))
        if kind not in _ENDS:
            return False
        return _skip_parts(taken, _take_image(taken)) and image_format(taken.peek(SIGNATURE_BYTES)) is not None
    except InputError:
        return False


def _take_image(taken: _Taken) -> bytes:
    kind = image_format(taken.peek(SIGNATURE_BYTES))
    try:
        _ENDS.get(kind, _Taken.take_all)(taken)
    except (EOFError, InputError, _Damaged):
        taken.position = _SHORTEST_IMAGE
        taken.take_until(_START_AFTER_JPEG if kind == 'JPEG' else _START)
    return taken.cut()


def _skip_parts(taken: _Taken, content: bytes) -> bool:
    """Leave out the padding behind an image, and what else belongs to it.

    Returns:
        Whether another image may follow.
    """
    header, size = content[:_MAX_HEADER], 0
    if _PHOTO_PARTS in header:
        items = _PHOTO_ITEM.findall(header)
        lengths = [_ITEM_LENGTH.search(item) for item in items if not _PRIMARY_ITEM.search(item)]
        if not items or None in lengths:
            return False
        size = sum(int(number[1]) for number in (*lengths, *filter(None, map(_ITEM_PADDING.search, items))))
    if _INDEX in header:
        size = max(size, _end_of_photo(content) - len(content))
    try:
        while size > 0:
            size -= len(taken.take(min(size, _READ_BYTES)))
            taken.cut()
    except EOFError:
        return False
    while taken.peek(1) in (b'\0', b'\n', b'\r') and taken.peek(8)[4:] not in _FIRST_BOXES:
        taken.position += 1
    taken.cut()
    return True


def _end_of_photo(content: bytes) -> int:
    """Bytes of a JPEG with all further pictures that its multi-picture index lists (CIPA DC-007)."""
    start = content.index(_INDEX) + len(_INDEX)
    index = io.BytesIO(content[start : start + _MAX_HEADER])
    try:
        with decoder_errors('photo'), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of damage, which shows where it matters
            directory = ImageFileDirectory_v2(index.read(8))
            index.seek(directory.next)
            directory.load(index)
            order = '<' if index.getvalue().startswith(b'II') else '>'
            entries = struct.iter_unpack(f'{order}4xLL4x', directory[_ENTRIES])
            return max(len(content), *(start + offset + size for size, offset in entries if offset))
    except InputError:
        return len(content)


def _take_jpeg(taken: _Taken) -> None:
    taken.take(2)
    while True:
        while (marker := taken.take(2)) == b'\xff\xff':
            taken.position -= 1
        if marker[0] != 0xFF:
            raise _Damaged
        if marker == b'\xff\xd9':
            return
        if marker == b'\xff\xd8':
            if taken.peek(1) == b'\xff':  # the next image
                taken.position -= 2
                return
        elif marker[1] != 0x01 and not 0xD0 <= marker[1] <= 0xD7:
            content = taken.take(max(0, int.from_bytes(taken.take(2), 'big') - 2))
            # The next image, since only application segments hold previews.
            if not 0xE0 <= marker[1] <= 0xEF and (size := content.find(_JPEG_START)) >= 0:
                taken.position -= len(content) - size
                return
        if marker == b'\xff\xda':
            taken.take_until(_JPEG_MARKER)


def _take_png(taken: _Taken) -> None:
    taken.take(8)
    while True:
        length = int.from_bytes(taken.take(4), 'big')
        kind = taken.take(4)
        if not kind.isalpha():
            raise _Damaged
        content = taken.take(length)
        if zlib.crc32(content, zlib.crc32(kind)) != int.from_bytes(taken.take(4), 'big'):
            raise _Damaged
        if kind == b'IEND':
            return


def _take_gif(taken: _Taken) -> None:
    def take_table(flags: int) -> None:
        if flags & 0x80:
            taken.take(3 << ((flags & 7) + 1))

    take_table(taken.take(13)[10])
    while (block := taken.take(1)) != b';':
        if block == b'!':
            taken.take(1)
        elif block == b',':
            take_table(taken.take(9)[8])
            taken.take(1)
        else:
            raise _Damaged
        while size := taken.take(1)[0]:
            taken.take(size)


def _take_webp(taken: _Taken) -> None:
    size = int.from_bytes(taken.take(8)[4:], 'little')
    taken.take(size + size % 2)


def _take_bmp(taken: _Taken) -> None:
    size = int.from_bytes(taken.take(6)[2:], 'little')
    if size < 26:
        raise _Damaged
    taken.take(size - 6)


def _take_pnm(taken: _Taken) -> None:
    if taken.peek(2)[1:] in (b'1', b'2', b'3'):  # in letters
        taken.take(2)
        taken.take_until(_NEXT_PNM)
        return
    bit_width, bit_height, kind, *sizes, float_kind, float_width, float_height = taken.match(_PNM_HEADER).groups()
    if bit_width is not None:
        taken.take((int(bit_width) + 7) // 8 * int(bit_height))
    elif kind is not None:
        width, height, largest = map(int, sizes)
        taken.take(width * height * (3 if kind == b'6' else 1) * (1 if largest < 256 else 2))
    else:
        taken.take(int(float_width) * int(float_height) * (12 if float_kind == b'F' else 4))


def _take_boxes(taken: _Taken) -> None:
    kind = b'ftyp'
    while kind == b'ftyp' or kind in _BOXES:
        size = int.from_bytes(taken.take(8)[:4], 'big')
        if size == 1:
            taken.take(int.from_bytes(taken.take(8), 'big') - 16)
        elif size:
            taken.take(size - 8)
        else:  # to the end
            taken.take_all()
        kind = taken.peek(8)[4:]
        if kind == b'ftyp':  # the next image
            return


_ENDS: dict[str, Callable[[_Taken], None]] = {
    'AVIF': _take_boxes,
    'BMP': _take_bmp,
    'GIF': _take_gif,
    'HEIF': _take_boxes,
    'JPEG': _take_jpeg,
    'PNG': _take_png,
    'PPM': _take_pnm,
    'WEBP': _take_webp,
}
"""How an image is taken to its end, by its format; the others take all that follows."""
