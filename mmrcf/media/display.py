"""What of a decoded picture is displayed, and which way up: cropping and rotation of a container's metadata."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import av
import av.error
import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

# Elements of Matroska: from the file to the video of a track, and what its pictures lose at each side.
_SEGMENT, _TRACKS, _TRACK, _VIDEO = b'\x18\x53\x80\x67', b'\x16\x54\xae\x6b', b'\xae', b'\xe0'
_CROP = {b'\x54\xbb': 'top', b'\x54\xaa': 'bottom', b'\x54\xcc': 'left', b'\x54\xdd': 'right'}


@dataclass(frozen=True)
class Cropping:
    """Pixels that a picture loses at each side before it is rotated, as a container says.

    That of a codec is applied by its decoder.
    """

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    @classmethod
    def of(cls, stream: VideoStream) -> 'Cropping':
        """The cropping of a stream, of whatever container; none where Matroska does not take its codec.

        FFmpeg reads it from Matroska, MP4 and MOV, but PyAV has no access to it. So it is read from the header of a
        Matroska file in memory that FFmpeg writes for this stream.
        """
        file = io.BytesIO()
        try:
            with av.open(file, 'w', format='matroska') as header:
                header.add_stream_from_template(stream)
                header.start_encoding()
        except (av.error.FFmpegError, OSError, ValueError):
            return cls()
        content = file.getbuffer()
        for wanted in (_SEGMENT, _TRACKS, _TRACK, _VIDEO):
            content = next((body for kind, body in _elements(content) if kind == wanted), content[:0])
        sides = {_CROP[kind]: int.from_bytes(body) for kind, body in _elements(content) if kind in _CROP}
        return cls(**sides)

    def cropped_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of a picture after cropping; as they are where nothing would be left."""
        cropped = height - self.top - self.bottom, width - self.left - self.right
        return cropped if min(cropped) > 0 else (height, width)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """``image`` (H, W, 3) without its margins, contiguous."""
        height, width = self.cropped_size(*image.shape[:2])
        if (height, width) == image.shape[:2]:
            return image
        return np.ascontiguousarray(image[self.top : self.top + height, self.left : self.left + width])


def _elements(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Identifier and body of the elements of Matroska that lie one after the other in ``content``."""
    position = 0
    while position < len(content):
        start = position + _number_length(content[position])
        length = _number_length(content[start])
        body = start + length
        size = int.from_bytes(content[start:body]) & ((1 << 7 * length) - 1)
        # All ones: the size is not known, and the element goes on to the end.
        end = len(content) if size == (1 << 7 * length) - 1 else body + size
        yield bytes(content[position:start]), content[body:end]
        position = end


def _number_length(first_byte: int) -> int:
    """Bytes of a number of Matroska, by the zeros at the start of its first byte."""
    return 9 - first_byte.bit_length()


def _unknown_side_data(kind: type[SideDataType], value: int) -> SideDataType:
    member = object.__new__(kind)
    member._name_, member._value_ = f'UNKNOWN_{value}', value
    return member


# PyAV wraps all side data of a frame to read one entry, and fails on kinds that are newer than it, such as EXIF.
SideDataType._missing_ = classmethod(_unknown_side_data)


def read_display_matrix(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """The linear part (a, b, c, d) of the frame's display matrix, None without one.

    The pixel in column p and row q is shown in column a*p + c*q and row b*p + d*q (up to scale and shift).
    """
    try:
        side_data = frame.side_data[SideDataType.DISPLAYMATRIX]
    except KeyError:
        return None
    matrix = np.frombuffer(bytes(side_data), dtype=np.int32)
    return int(matrix[0]), int(matrix[1]), int(matrix[3]), int(matrix[4])


def orient(image: np.ndarray, matrix: tuple[int, int, int, int] | None) -> np.ndarray:
    """Apply a display matrix: quarter turns and mirrors; another angle is rounded to the nearest quarter turn.

    Args:
        image: (H, W, 3).
        matrix: As :func:`read_display_matrix` gives it.

    Returns:
        (H, W, 3) or (W, H, 3), contiguous.
    """
    if matrix is None:
        return image
    a, b, c, d = matrix
    if swaps_sides(matrix):
        image = image.transpose(1, 0, 2)
        mirror_columns, mirror_rows = c < 0, b < 0
    else:
        mirror_columns, mirror_rows = a < 0, d < 0
    image = image[:: -1 if mirror_rows else 1, :: -1 if mirror_columns else 1]
    return np.ascontiguousarray(image)


def swaps_sides(matrix: tuple[int, int, int, int] | None) -> bool:
    """Whether the matrix turns rows into columns."""
    return matrix is not None and abs(matrix[1]) + abs(matrix[2]) > abs(matrix[0]) + abs(matrix[3])
