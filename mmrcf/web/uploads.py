"""What a visitor hands in: a file as it is, or an archive of images, which is unpacked with care."""

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from mmrcf.errors import InputError
from mmrcf.media.image_source import natural_order
from mmrcf.utils import counted
from mmrcf.utils.images import image_suffixes

from .limits import Limits

COPY_BYTES = 2**20


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
        raise InputError(f'{name}: holds {counted(len(members), "image")}; at most {limits.images} are taken')
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
