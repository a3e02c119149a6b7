"""Opening files, streams and devices by PyAV, with errors that name them, and what each may open in turn."""

import errno
import functools
import logging
import os
import re
import string
import urllib.request
from base64 import b64encode
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote_to_bytes, urlsplit

import av
import av.error
from av.container import InputContainer

from mmrcf.defaults import MAX_PIXELS
from mmrcf.errors import InputError, InputFileError
from mmrcf.inputs import note_input
from mmrcf.urls import scheme_of, without_credentials

from .text import counted

logger = logging.getLogger(__name__)

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

OPTIONAL_PROTOCOLS = frozenset(('srt',))
"""Of them, what the FFmpeg in PyAV's wheels may lack."""

TEXT_FORMATS = frozenset(('tty', 'bin', 'xbin', 'adf', 'idf'))
"""Of these FFmpeg makes pictures of letters."""

LOCAL_PROTOCOLS = 'file,crypto'
# Enough of a file to tell what it is.
_TEXT_PROBE = 4096
_STREAM_BUFFER = 2**16
# What a server that speaks no http says may be long.
_MAX_REASON = 100
# Where FFmpeg cuts a line.
_MAX_ENTRY = 4000
MAX_PLAYLIST_BYTES = 2**24


class ByteStream:
    """What a file or a pipe holds, read once from its start to its end, as FFmpeg takes it.

    FFmpeg tells the kind by the content alone then, where it goes by the suffix of a name: the pictures of a file like
    ``cat *.jpg > all.jpg`` are one video. Where it cannot be read on, it ends, with a warning.

    Args:
        source: The file or pipe, by its path or open. It is closed with this object.
        name: Name for messages, without credentials.
    """

    def __init__(self, source: str | Path | BinaryIO, name: str) -> None:
        is_path = isinstance(source, (str, Path))
        self._file = open(source, 'rb', buffering=_STREAM_BUFFER) if is_path else source  # noqa: SIM115
        self._name = name
        self._peeked = b''
        self._failed = False

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes, which are read again afterwards; fewer if the stream ends before."""
        while len(self._peeked) < size and (content := self._read(size - len(self._peeked))):
            self._peeked += content
        return self._peeked[:size]

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, as soon as there are some; none at the end."""
        if not self._peeked:
            return self._read(size)
        content, self._peeked = self._peeked[:size], self._peeked[size:]
        return content

    def _read(self, size: int) -> bytes:
        if self._failed:
            return b''
        try:
            return self._file.read1(size)
        except (OSError, HTTPException) as error:
            self._failed = True
            logger.warning('%s: reading stops here (%s)', self._name, reason_of(error))
            return b''

    def __del__(self) -> None:
        if hasattr(self, '_file'):
            self._file.close()


def open_http(url: str, timeout: float | None, name: str) -> ByteStream:
    """What a server answers, read by Python.

    FFmpeg takes the end of an answer whose length the server does not say for an error. It then does not open what is
    short, such as a few images of a camera.

    Args:
        url: With the scheme http or https.
        timeout: Seconds to wait for data; None: no limit.
        name: Name for messages, without credentials.

    Raises:
        OSError: The server does not answer, or with an error, or not by http; or the URL is not valid.
    """
    try:
        parts = urlsplit(_quoted(url))
        user, _, host = parts.netloc.rpartition('@')
        request = urllib.request.Request(parts._replace(netloc=host, fragment='').geturl())
        if user:
            request.add_unredirected_header('Authorization', f'Basic {b64encode(unquote_to_bytes(user)).decode()}')
        opener = urllib.request.OpenerDirector()  # the usual one follows to ftp, too
        for handler in _HTTP_HANDLERS:
            opener.add_handler(handler())
        return ByteStream(opener.open(request, timeout=timeout), name)
    except (HTTPException, ValueError) as error:
        raise OSError(reason_of(error)) from error


def _quoted(url: str) -> str:
    """``url`` as a server takes it: a user, like FFmpeg, may write spaces and letters of all alphabets in the path."""
    host, rest = re.match(r'([^:]*://[^/?#]*)(.*)', url, re.DOTALL).groups()
    return host + quote(rest, safe=string.punctuation, errors='surrogateescape')


_HTTP_HANDLERS = (
    urllib.request.ProxyHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPRedirectHandler,
    urllib.request.HTTPErrorProcessor,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.UnknownHandler,
)


def open_container(
    url: str | ByteStream,
    name: str,
    container_format: str | None = None,
    options: dict[str, str] | None = None,
    timeout: float | None = None,
    kind: str = 'video',
    max_pixels: int = MAX_PIXELS,
) -> InputContainer:
    """Open a file, a stream or a device.

    A file stays local: what a playlist names is read only beside it or below, and nothing is read from the network. A
    stream stays in its protocols, see PROTOCOLS.

    Args:
        url: Path of a file or pipe, URL with a scheme of PROTOCOLS, device, or what holds the content.
        name: Name for messages, without credentials.
        container_format: Input format, where it does not show from ``url`` (devices).
        options: Options of the input format.
        timeout: Seconds to wait for a stream to open or to deliver data; None: no limit.
        kind: Expected kind of content, for messages.
        max_pixels: Largest number of pixels of a frame. FFmpeg decodes some frames here to learn their properties; a
            decoder that is opened later needs the options of :func:`pixel_limit` again.

    Raises:
        InputFileError: It cannot be opened, or is of another kind.
    """
    # Metadata in another encoding than UTF-8 is no reason to refuse a video.
    arguments = dict(format=container_format, timeout=timeout, metadata_errors='replace')
    try:
        container = _open(url, name, {**(options or {}), **pixel_limit(max_pixels)}, arguments)
    except InputError:
        raise
    except (av.error.InvalidDataError, av.error.EOFError) as error:
        raise InputFileError(f'{name}: not a readable {kind}; it is truncated, damaged or of another kind') from error
    except (av.error.FFmpegError, OSError) as error:
        raise InputFileError(f'{name}: cannot be opened ({reason_of(error)}); check that it exists') from error
    except ValueError as error:
        raise InputFileError(f'{name}: cannot be opened ({without_credentials(str(error))})') from error
    if container.format.name in TEXT_FORMATS:
        container.close()
        raise InputFileError(f'{name}: not a readable {kind}; it is text')
    return container


def pixel_limit(max_pixels: int) -> dict[str, str]:
    """Options of FFmpeg by which its decoders refuse a larger frame before they allocate memory for it.

    Decoders pad the sides of a frame, up to the next multiple of 128, and the old ones have line buffers of 280 rows.
    FFmpeg compares that with its limit, so the limit is a little higher than ``max_pixels``.
    """
    return {'max_pixels': str(max_pixels + max_pixels // 8 + 2**18)}


def _open(url: str | ByteStream, name: str, options: dict[str, str], arguments: dict) -> InputContainer:
    """Open what :func:`open_container` says, with PyAV's ``arguments``; raises PyAV's errors."""
    if arguments['format'] is not None:
        return av.open(url, options=options, **arguments)
    scheme = scheme_of(url) if isinstance(url, str) else None
    if scheme in PROTOCOLS:
        url = scheme + url[len(scheme) :]  # FFmpeg does not know it in upper case
        try:
            return av.open(url, options={**options, 'protocol_whitelist': PROTOCOLS[scheme]}, **arguments)
        except (av.error.FFmpegError, OSError) as error:
            if error.errno != errno.EIO or scheme not in ('http', 'https'):
                raise
        stream = open_http(url, arguments['timeout'], name)
        return av.open(stream, options={**options, 'protocol_whitelist': 'pipe'}, **arguments)
    if isinstance(url, ByteStream) or not Path(url).is_file():
        stream = url if isinstance(url, ByteStream) else ByteStream(url, name)
        # Without the protocol 'file' a playlist from a pipe opens nothing.
        return av.open(stream, options={**options, 'protocol_whitelist': 'pipe'}, **arguments)
    return _open_local(Path(url), name, options, arguments)


def _open_local(path: Path, name: str, options: dict[str, str], arguments: dict) -> InputContainer:
    """Open a file by its absolute path, which FFmpeg cannot take for a URL."""
    if check_playlist(path, name):
        # FFmpeg waits for more of a playlist without an end mark, as for a live one.
        arguments = arguments | dict(timeout=STREAM_TIMEOUT)
    options['protocol_whitelist'] = LOCAL_PROTOCOLS
    options['safe'] = '0'  # else FFmpeg refuses lists that name files with spaces; what they name is checked
    return av.open(str(path.absolute()), options=options, **arguments)


def check_playlist(path: Path, name: str) -> bool:
    """Check that a local playlist, and those that it names, name only files beside it or below it.

    What it names counts as an input of the command. What is missing is left out by FFmpeg, and here with a warning.

    Args:
        path: Any local file; one that is no playlist is not looked at further.
        name: Its name for messages.

    Returns:
        Whether it is a playlist.

    Raises:
        InputFileError: It names something else, or is a DASH manifest, which may name files in many ways.
    """
    folder = _real(path.absolute().parent)
    waiting, seen, found, missing = [path], set(), False, []
    while waiting:
        playlist = waiting.pop()
        if _real(playlist) in seen:
            continue
        seen.add(_real(playlist))
        if not playlist.is_file():
            missing.append(playlist)
            continue
        note_input(playlist)
        entries = _playlist_entries(playlist, name)
        found = found or entries is not None
        for entry in entries or ():
            target = playlist.absolute().parent / entry
            has_scheme = re.match(r'[A-Za-z][A-Za-z0-9+.-]*:', entry)
            # By its name and by where links lead: FFmpeg may take a name that begins with ? or # for another one.
            beside = Path(os.path.normpath(target)).is_relative_to(os.path.normpath(path.absolute().parent))
            if has_scheme or not beside or not _real(target).is_relative_to(folder):
                raise InputFileError(
                    f'{name}: names {without_credentials(entry)[:100]}; a local playlist may name files beside it or '
                    'below it'
                )
            waiting.append(target)
    if missing:
        count, first = counted(len(missing), 'file'), sorted(file.name for file in missing)[:MAX_SKIP_WARNINGS]
        logger.warning('%s: is without %s that it names (%s); left out', name, count, ', '.join(first))
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
        content = head + file.read(MAX_PLAYLIST_BYTES)
    if len(content) > MAX_PLAYLIST_BYTES:
        raise InputFileError(f'{name}: is a playlist of more than {MAX_PLAYLIST_BYTES >> 20} MiB; split it')
    # FFmpeg ends a line at any of these.
    lines = re.split(rb'[\r\n\0]', content)
    if any(len(line) > _MAX_ENTRY for line in lines):
        raise InputFileError(f'{name}: has a line of more than {_MAX_ENTRY} bytes; a playlist has one name a line')
    # As bytes, because Python takes more letters of text for spaces than FFmpeg does.
    lines = [line.rstrip() for line in lines]
    if is_list:
        if any(line.split()[:1] == [b'option'] for line in lines):
            raise InputFileError(f'{name}: sets options of FFmpeg; a list to join may name files only')
        entries = [_unquoted(match[1]) for line in lines if (match := re.match(rb'[ \t]*file[ \t]+(.+)', line))]
    else:
        entries = [line for line in lines if line and not line.startswith(b'#')]
        entries += [entry for line in lines if line.startswith(b'#EXT') for entry in _named_by_tag(line)]
    return [os.fsdecode(entry) for entry in entries]


def _unquoted(text: bytes) -> bytes:
    """The first word of a line of an ffconcat list, as FFmpeg reads it: single quotes, and backslashes outside them."""
    word = re.match(rb"(?:'[^']*'?|\\.|[^' \t])*", text)[0]
    return re.sub(rb"'([^']*)'?|\\(.)", lambda match: match[1] or match[2] or b'', word)


def _named_by_tag(line: bytes) -> list[bytes]:
    """The attributes ``URI`` of a tag of an HLS playlist, as FFmpeg reads them: backslashes count inside of quotes."""
    attributes = re.findall(rb'[\s,]*([^=]*)=(?:"((?:\\.|[^"\\])*)\\?"?|([^\s,]*))', line.partition(b':')[2])
    return [re.sub(rb'\\(.)', rb'\1', quoted) or plain for key, quoted, plain in attributes if key == b'URI']


def require_protocol(scheme: str) -> None:
    """Check that this FFmpeg has a protocol that depends on how it was built.

    Raises:
        InputError: It has not.
    """
    if scheme in OPTIONAL_PROTOCOLS and not _has_protocol(scheme):
        raise InputError(
            f'stream {scheme}://: the FFmpeg in PyAV was built without {scheme}; send the stream by another protocol '
            f'({", ".join(sorted(PROTOCOLS.keys() - OPTIONAL_PROTOCOLS))}), or build PyAV against an FFmpeg that has it'
        )


@functools.cache
def _has_protocol(scheme: str) -> bool:
    """Whether FFmpeg has a protocol. PyAV has no list of them, so one without a host is opened."""
    try:
        av.open(f'{scheme}://').close()
    except av.error.ProtocolNotFoundError:
        return False
    except (av.error.FFmpegError, OSError, ValueError):
        pass
    return True


def timeout_of(url: str) -> float | None:
    """Seconds to wait for ``url``; None, no limit, for a file."""
    return STREAM_TIMEOUT if scheme_of(url) else None


def reason_of(error: Exception) -> str:
    """The message of FFmpeg, of the system or of Python's client of http, without credentials."""
    if isinstance(error, av.error.ExitError):  # how FFmpeg calls PyAV's timeout
        return 'no data came in time'
    text = without_credentials(getattr(error, 'strerror', None) or str(error) or type(error).__name__)
    return text if len(text) <= _MAX_REASON else f'{text[:_MAX_REASON]} ...'
