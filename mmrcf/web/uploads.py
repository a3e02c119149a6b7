"""What a visitor may hand in: limits, and archives of images, which are unpacked with care."""

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mmrcf.errors import InputError
from mmrcf.media.image_source import natural_order
from mmrcf.utils.images import image_suffixes

COPY_BYTES = 2**20


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
        waiting: Length of the queue; whoever comes then is told to come later.
    """

    upload_mib: int = 200
    seconds: float = 60.0
    side: int = 1280
    pixels: int = 2**25
    images: int = 2000
    visitors: int = 4
    waiting: int = 16


def prepare_upload(upload: Path, folder: Path, limits: Limits) -> Path:
    """What to open for an upload: the file itself, or ``folder`` with the images of an archive.

    Args:
        upload: The uploaded file.
        folder: Made here for the images.
        limits: Those of the server.

    Raises:
        InputError: The archive is damaged, holds no image, or is beyond the limits.
    """
    if not zipfile.is_zipfile(upload):
        return upload
    try:
        with zipfile.ZipFile(upload) as archive:
            _unpack_images(archive, folder, limits)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f'{upload.name}: cannot be unpacked ({error}); give a ZIP archive without a password'
        ) from error
    return folder


def _unpack_images(archive: zipfile.ZipFile, folder: Path, limits: Limits) -> None:
    """Write the images of ``archive`` to ``folder`` in their natural order, under numbers: their names are not used."""
    name, suffixes = Path(archive.filename).name, image_suffixes()
    members = {
        Path(member.filename): member
        for member in archive.infolist()
        if not member.is_dir()
        and PurePosixPath(member.filename).suffix.lower() in suffixes
        and not PurePosixPath(member.filename).name.startswith('.')
        and '__MACOSX' not in member.filename
    }
    if not members:
        raise InputError(f'{name}: holds no images; expected {", ".join(sorted(suffixes))}')
    if len(members) > limits.images:
        raise InputError(f'{name}: holds {len(members)} images; at most {limits.images} are taken')
    folder.mkdir(parents=True)
    left = 4 * limits.upload_mib * 2**20
    for number, path in enumerate(natural_order(list(members))):
        # The sizes in the archive are claims: bytes are counted as they come.
        with (
            archive.open(members[path]) as content,
            (folder / f'{number:06d}{path.suffix.lower()}').open('wb') as to,
        ):
            while chunk := content.read(min(COPY_BYTES, left + 1)):
                left -= len(chunk)
                if left < 0:
                    shutil.rmtree(folder)
                    raise InputError(f'{name}: its images are larger than {4 * limits.upload_mib} MiB; give fewer')
                to.write(chunk)
