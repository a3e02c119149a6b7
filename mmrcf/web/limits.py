"""What the server of the page takes from a visitor."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What the server takes from a visitor.

    Attributes:
        upload_mib: Size of an upload in MiB; also that of the unpacked images of an archive, four times as much.
        seconds: Of a video; the rest is left out.
        side: Longer side of a frame in pixels; larger frames are scaled down.
        pixels: Of a frame, as it is in the file; larger ones are refused.
        images: Number of images of an archive.
        visitors: Runs at the same time; more wait in the queue.
        waiting: Length of the queue, in which previews and cameras wait as well as runs; what comes then is refused.
    """

    upload_mib: int = 200
    seconds: float = 60.0
    side: int = 1280
    pixels: int = 2**25
    images: int = 2000
    visitors: int = 4
    waiting: int = 16
