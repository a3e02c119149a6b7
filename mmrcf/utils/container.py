"""Opening files, streams and devices by PyAV, with errors that name them."""

import av
import av.error
from av.container import InputContainer

from mmrcf.errors import InputFileError

STREAM_TIMEOUT = 10.0
"""Seconds without an answer after which a stream is given up."""

MAX_SKIP_WARNINGS = 5
"""Number of unreadable parts of a file or stream that get a warning each."""


def open_container(
    url: str,
    name: str,
    container_format: str | None = None,
    options: dict[str, str] | None = None,
    timeout: float | None = None,
    kind: str = 'video',
) -> InputContainer:
    """Open a file, a stream or a device.

    Args:
        url: Path, URL or device.
        name: Name for messages, as the user gave it.
        container_format: Input format, where it does not show from ``url`` (devices).
        options: Options of the input format.
        timeout: Seconds to wait for a stream to open or to deliver data; None: no limit.
        kind: Expected kind of content, for messages.

    Raises:
        InputFileError: It cannot be opened, or is of another kind.
    """
    try:
        # Metadata in another encoding than UTF-8 is no reason to refuse a video.
        return av.open(url, format=container_format, options=options or {}, timeout=timeout, metadata_errors='replace')
    except av.error.InvalidDataError as error:
        raise InputFileError(f'{name}: not a readable {kind}; it is truncated, damaged or of another kind') from error
    except (av.error.FFmpegError, OSError) as error:
        raise InputFileError(f'{name}: cannot be opened ({reason_of(error)}); check that it exists') from error
    except ValueError as error:
        raise InputFileError(f'{name}: cannot be opened ({error})') from error


def timeout_of(url: str) -> float | None:
    """Seconds to wait for ``url``; None, no limit, for a file."""
    return STREAM_TIMEOUT if '://' in url else None


def reason_of(error: OSError | av.error.FFmpegError) -> str:
    """The message of FFmpeg or of the system."""
    if isinstance(error, av.error.ExitError):  # how FFmpeg calls PyAV's timeout
        return 'no data came in time'
    return error.strerror or str(error)
