"""Opening files, streams and devices by PyAV, with errors that name them, and what each may open in turn."""

import os
import re
from pathlib import Path

import av
import av.error
from av.container import InputContainer

from mmrcf.errors import InputFileError
from mmrcf.inputs import note_input

STREAM_TIMEOUT = 10.0
"""Seconds without an answer after which a stream is given up."""

MAX_SKIP_WARNINGS = 5
"""Number of unreadable parts of a file or stream that get a warning each."""

_HTTP = 'http,https,httpproxy,tcp,tls,crypto'
_RTSP = 'rtsp,rtsps,rtp,srtp,udp,tcp,tls'
_RTMP = 'rtmp,rtmps,tcp,tls'
PROTOCOLS = {
    'http': _HTTP,
    'https': _HTTP,
    'rtsp': _RTSP,
    'rtsps': _RTSP,
    'rtmp': _RTMP,
    'rtmps': _RTMP,
    'udp': 'udp',
    'srt': 'srt',
}
"""The schemes that are opened, each with what FFmpeg may open for it: a playlist names further files and hosts."""

LOCAL_PROTOCOLS = 'file,crypto'
# Enough of a file to tell what it is.
_TEXT_PROBE = 4096
# Where FFmpeg cuts a line.
_MAX_ENTRY = 4000
MAX_PLAYLIST_BYTES = 2**24


def scheme_of(source: str) -> str | None:
    """The scheme of a URL in lower case; None for the path of a file."""
    match = re.match(r'([A-Za-z][A-Za-z0-9+.-]*)://', source)
    return match and match.group(1).lower()


def without_credentials(text: str) -> str:
    """``text`` with user names, passwords and queries of the URLs in it replaced by asterisks.

    Applied to every text that names a source: messages, logs and results are passed on.
    """
    # A password may hold '/' and '@': behind a colon that begins no port, all up to the last '@' is one.
    text = re.sub(r'(?<=://)(?:[^\s/?#:]*:(?!\d+/)\S*|[^\s/?#]*)@', '***@', text)
    text = re.sub(r'(://[^\s?\'"]*\?)[^\s\'"]+', r'\1***', text)
    # Some cameras take them in the path, some servers behind ';' or '#'.
    return re.sub(r'(?i)((?:password|passwd|pwd|token|secret|key)=)(?!\*)[^\s/&;#?\'"]+', r'\1***', text)


def open_container(
    url: str,
    name: str,
    container_format: str | None = None,
    options: dict[str, str] | None = None,
    timeout: float | None = None,
    kind: str = 'video',
) -> InputContainer:
    """Open a file, a stream or a device.

    A file stays local: what a playlist names is read only beside it or below, and nothing is read from the network. A
    stream stays in its protocols, see PROTOCOLS.

    Args:
        url: Path of a file or pipe, URL with a scheme of PROTOCOLS, or device.
        name: Name for messages, without credentials.
        container_format: Input format, where it does not show from ``url`` (devices).
        options: Options of the input format.
        timeout: Seconds to wait for a stream to open or to deliver data; None: no limit.
        kind: Expected kind of content, for messages.

    Raises:
        InputFileError: It cannot be opened, or is of another kind.
    """
    # Metadata in another encoding than UTF-8 is no reason to refuse a video.
    arguments = dict(format=container_format, timeout=timeout, metadata_errors='replace')
    options = dict(options or {})
    try:
        if container_format is not None:
            return av.open(url, options=options, **arguments)
        scheme = scheme_of(url)
        if scheme in PROTOCOLS:
            return av.open(url, options={**options, 'protocol_whitelist': PROTOCOLS[scheme]}, **arguments)
        return _open_local(Path(url), name, options, arguments)
    except InputFileError:
        raise
    except av.error.InvalidDataError as error:
        raise InputFileError(f'{name}: not a readable {kind}; it is truncated, damaged or of another kind') from error
    except (av.error.FFmpegError, OSError) as error:
        raise InputFileError(f'{name}: cannot be opened ({reason_of(error)}); check that it exists') from error
    except ValueError as error:
        raise InputFileError(f'{name}: cannot be opened ({without_credentials(str(error))})') from error


def _open_local(path: Path, name: str, options: dict[str, str], arguments: dict) -> InputContainer:
    """Open a file by its absolute path, which FFmpeg cannot take for a URL, or a pipe by its number."""
    if not path.is_file():
        # FFmpeg duplicates the descriptor. Without the protocol 'file' a playlist from a pipe opens nothing.
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return av.open(f'pipe:{descriptor}', options={**options, 'protocol_whitelist': 'pipe'}, **arguments)
        finally:
            os.close(descriptor)
    if check_playlist(path, name):
        # FFmpeg waits for more of a playlist without an end mark, as for a live one.
        arguments = arguments | dict(timeout=STREAM_TIMEOUT)
    options['protocol_whitelist'] = LOCAL_PROTOCOLS
    return av.open(str(path.absolute()), options=options, **arguments)


def check_playlist(path: Path, name: str) -> bool:
    """Check that a local playlist, and those that it names, name only files beside it or below it.

    What it names counts as an input of the command.

    Args:
        path: Any local file; one that is no playlist is not looked at further.
        name: Its name for messages.

    Returns:
        Whether it is a playlist.

    Raises:
        InputFileError: It names something else, or is a DASH manifest, which may name files in many ways.
    """
    folder = _real(path.absolute().parent)
    waiting, seen, found = [path], set(), False
    while waiting:
        playlist = waiting.pop()
        if _real(playlist) in seen or not playlist.is_file():
            continue
        seen.add(_real(playlist))
        note_input(playlist)
        entries = _playlist_entries(playlist, name)
        found = found or entries is not None
        for entry in entries or ():
            target = playlist.absolute().parent / entry
            has_scheme = re.match(r'[A-Za-z][A-Za-z0-9+.-]*:', entry)
            if has_scheme or len(entry) > _MAX_ENTRY or not _real(target).is_relative_to(folder):
                raise InputFileError(
                    f'{name}: names {without_credentials(entry[:100])}; a local playlist may name files beside it or '
                    'below it'
                )
            waiting.append(target)
    return found


def _real(path: Path) -> Path:
    """Where links lead; ``Path.resolve`` raises where they form a circle."""
    return Path(os.path.realpath(path))


def _playlist_entries(path: Path, name: str) -> list[str] | None:
    """What an HLS playlist or an ffconcat list names, as it stands there; None for another file."""
    with path.open('rb') as file:
        head = file.read(_TEXT_PROBE)
        if b'\0' not in head and b'<MPD' in head:
            raise InputFileError(f'{name}: is a DASH manifest, which is read from a server only; give the video itself')
        is_list = head.startswith(b'ffconcat version')
        if not is_list and not head.startswith(b'#EXTM3U'):
            return None
        # FFmpeg ends a line at any of these.
        lines = re.split(rb'[\r\n\0]', head + file.read(MAX_PLAYLIST_BYTES))
    texts = [os.fsdecode(line.rstrip()) for line in lines]
    if is_list:
        return [match[1].strip('\'"') for text in texts if (match := re.match(r'\s*file\s+(.+)', text))]
    entries = []
    for line in texts:
        if line.startswith('#EXT'):
            entries += [quoted or plain for quoted, plain in re.findall(r'URI\s*=\s*(?:"([^"]*)"?|([^",]+))', line)]
        elif line and not line.startswith('#'):
            entries.append(line)
    return entries


def timeout_of(url: str) -> float | None:
    """Seconds to wait for ``url``; None, no limit, for a file."""
    return STREAM_TIMEOUT if scheme_of(url) else None


def reason_of(error: OSError | av.error.FFmpegError) -> str:
    """The message of FFmpeg or of the system, without credentials."""
    if isinstance(error, av.error.ExitError):  # how FFmpeg calls PyAV's timeout
        return 'no data came in time'
    return without_credentials(error.strerror or str(error))
