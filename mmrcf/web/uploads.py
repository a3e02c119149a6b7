"""What a visitor hands in: a file as it is, or an archive of images, which is unpacked with care."""

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from mmrcf.errors import InputError
from mmrcf.media.image_source import natural_order
from mmrcf.utils import counted
from mmrcf.utils.archives import open_zip, unpacked
from mmrcf.utils.image_files import image_suffixes

from .limits import Limits


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
    with open_zip(upload, 'archive') as archive:
        _unpack_images(archive, folder, limits)
    return folder


def _unpack_images(archive: zipfile.ZipFile, folder: Path, limits: Limits) -> None:
    """Write the images of ``archive`` to ``folder`` in their natural order, under numbers: their names are not used."""
    where, suffixes = Path(archive.filename).name, image_suffixes()
    members = {
        Path(member.filename): member
        for member in archive.infolist()
        if not member.is_dir()
        and PurePosixPath(member.filename).suffix.lower() in suffixes
        and not PurePosixPath(member.filename).name.startswith('.')
        and '__MACOSX' not in member.filename
    }
    if not members:
        raise InputError(f'{where}: holds no images; expected {", ".join(sorted(suffixes))}')
    if len(members) > limits.images:
        raise InputError(f'{where}: holds {counted(len(members), "image")}; at most {limits.images} are taken')
    unpacked_mib = 4 * limits.upload_mib
    if sum(member.file_size for member in members.values()) > unpacked_mib * 2**20:
        raise InputError(f'{where}: its images are larger than {unpacked_mib} MiB; give fewer')
    folder.mkdir(parents=True)
    for number, path in enumerate(natural_order(list(members))):
        with (
            unpacked(archive, members[path].filename, where) as content,
            (folder / f'{number:06d}{path.suffix.lower()}').open('wb') as to,
        ):
            shutil.copyfileobj(content, to)
