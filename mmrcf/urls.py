"""Sources that are URLs: their scheme, and what they are called where others may read it."""

import re
from pathlib import Path

MASK = '***'

_SCHEME = r'[A-Za-z][A-Za-z0-9+.-]+'
# Whether a number and a slash begin a password and not a port and a path: what ends it is a host with an address or a
# port.
_HOST_BEHIND = r'(?=[^\s?]*@(?:\d+(?:\.\d+){3}|[\w.-]+:\d+)(?:[/?\s]|$))'
# One slash: where a URL was taken for a path. A password may hold '/', '@' and spaces: behind a colon that begins no
# port, all up to the last '@' before the next URL is one.
_USER = re.compile(
    rf'({_SCHEME}:/{{1,2}})(?:[^\s/?#:]*:(?:(?!\d+/)|{_HOST_BEHIND})(?:(?!://).)*|[^\s/?#]*)@', re.DOTALL
)
# Where the scheme was forgotten: only in front of a host with an address or a port, since files have such names, too.
_USER_ALONE = re.compile(r'(?<![^\s\'"])[^\s\'"/:@]+:[^\s\'"/@]+@(?=(?:\d+(?:\.\d+){3}|[\w.-]+:\d+)(?:[:/?\s]|$))')
# A URL inside another one, say: of what is encoded, nothing tells where a secret ends.
_ENCODED = re.compile(r'(?i)([a-z][a-z0-9+.-]+%3A(?:%2F){1,2})(?!\*|%2F)[^\s\'"<>]+')
_URL = re.compile(rf'({_SCHEME}):(/{{1,2}})([^\s\'"]*[^\s\'",:;.)])')
# Some cameras take them in the path, some servers behind ';' or '#'.
_SECRET = re.compile(
    rf'(?i)((?:pass(?:word|wd)?|pwd|token|secret|key|auth|jwt|sig(?:nature)?)=)(?!{re.escape(MASK)})[^/&;#?]+'
)
STREAM_KEY_SCHEMES = ('rtmp', 'rtmps', 'rtmpt', 'rtmpe', 'rtmpte', 'rtmpts')
"""The path of these after its first part is a secret key, with which anyone can send or receive the stream."""


def scheme_of(source: str) -> str | None:
    """The scheme of a URL in lower case; None for the path of a file."""
    match = re.match(r'([A-Za-z][A-Za-z0-9+.-]*)://', source)
    return match and match.group(1).lower()


def without_credentials(text: str) -> str:
    """``text`` with user names, passwords, queries and stream keys of the URLs in it replaced by asterisks.

    Applied to every message of an :class:`~mmrcf.errors.InputError` and to every name of a source: messages, logs and
    results are passed on.
    """
    text = _USER_ALONE.sub(f'{MASK}@', _ENCODED.sub(rf'\1{MASK}', text))
    return _URL.sub(_masked, _USER.sub(rf'\1{MASK}@', text))


def _masked(url: re.Match) -> str:
    scheme, slashes, rest = url.groups()
    path, _, query = rest.partition('?')
    place = _SECRET.sub(rf'\1{MASK}', path)
    if scheme.lower() in STREAM_KEY_SCHEMES:
        host, application, *key = place.split('/', 2) if '/' in place else (place, '')
        place = '/'.join((host, application, MASK)) if key else place
    return f'{scheme}:{slashes}{place}' + (f'?{MASK}' if query else rest[len(path) :])


def source_name(source: object) -> str:
    """The name of a source in messages and results: as the user gave it, without credentials."""
    if not isinstance(source, str | int | Path):
        return 'frames'
    text = str(source)
    if scheme_of(text) is not None:
        text = re.sub(r'\s', '%20', text)  # else a secret would end at a space
    return without_credentials(text)
