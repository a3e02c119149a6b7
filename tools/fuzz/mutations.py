"""Damages valid inputs: values of JSON, bytes of media files, objects and opcodes of checkpoints."""

import copy
import json
import random
import struct
import zlib
from collections.abc import Sequence
from typing import Any

# Texts that stand for what ``json.dumps`` does not write.
DEEP, DIGITS = '@deep@', '@digits@'
_WRITTEN = {f'"{DEEP}"': '[' * 100_000 + ']' * 100_000, f'"{DIGITS}"': '9' * 5_000}

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 7, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**400),
    *(0.0, -0.0, 0.5, 1e-320, 1e9, 1e308, -1e308, float('nan'), float('inf'), float('-inf')),
    *('', 'a', '0', '\0', '\ud800', '../..', '/dev/zero', 'a' * 5_000, '\n', '%s{0}', 'mmdet.ResNet', DEEP, DIGITS),
    *([], {}, [[]], [{}], [None], [0] * 1_000, [-1, 5], {'a': {'a': 1}}, {'type': 'os.system'}, {'size': [3, 3]}),
)
"""Values that readers do not expect."""
NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 30_000, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutate_json(content: Any, rng: random.Random, values: Sequence[Any] = VALUES) -> Any:
    """A copy of parsed JSON with one to four changes: a value, a field more or less, entries swapped or repeated."""
    content = copy.deepcopy(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = _mutate_once(content, rng, values)
    return content


def _mutate_once(content: Any, rng: random.Random, values: Sequence[Any]) -> Any:
    places: list[tuple[Any, Any]] = []
    node = content
    while isinstance(node, dict | list) and node:
        key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
        places.append((node, key))
        node = node[key]
    if not places or rng.random() < 0.02:
        return copy.deepcopy(rng.choice(values))
    node, key = places[-1] if rng.random() < 0.6 else rng.choice(places)
    match rng.randrange(8):
        case 0:
            del node[key]
        case 1 if isinstance(node, list):
            node.insert(key, copy.deepcopy(node[key]))
        case 1:
            node[rng.choice(('id', 'a', '', key))] = copy.deepcopy(node[key])
        case 2 if isinstance(node, list):
            rng.shuffle(node)
        case 3:
            node[key] = copy.deepcopy(rng.choice(places)[0])  # something that holds it
        case 4 if isinstance(node[key], str) and node[key]:
            node[key] = mutate_text(node[key], rng)
        case 5 if isinstance(node[key], int | float):
            node[key] = node[key] + rng.choice((-1, 1, 0.5, 1000)) if abs(node[key]) < 1e300 else 0
        case _:
            node[key] = copy.deepcopy(rng.choice(values))
    return content


def mutate_text(text: str, rng: random.Random) -> str:
    """Some characters changed, left out or added."""
    characters = list(text)
    for _ in range(rng.randint(1, 3)):
        position = rng.randrange(len(characters) + 1)
        characters[position : position + rng.randint(0, 2)] = rng.choice('0/\\\0\n\'"([{=,:*~é\ud800%') * rng.randint(
            0, 3
        )
    return ''.join(characters)


def json_bytes(content: Any) -> bytes:
    """JSON as a hostile program writes it: NaN, numbers of thousands of digits, lists in lists."""
    text = json.dumps(content)
    for mark, written in _WRITTEN.items():
        text = text.replace(mark, written)
    return text.encode()


def mutate_bytes(content: bytes, rng: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """A file with some bytes flipped, numbers replaced, parts cut out, repeated, or taken from another file.

    Args:
        content: The file.
        rng: Source of randomness.
        others: Further files, to take parts from.
    """
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        if not data:
            break
        # Half of the changes are in the header, where sizes are.
        start = rng.randrange(min(len(data), 256) if rng.random() < 0.5 else len(data))
        length = rng.choice((1, 4, 16, 100, len(data) // 4))
        match rng.randrange(8):
            case 0 | 1:
                data[start] ^= 1 << rng.randrange(8)
            case 2:
                data[start] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 3 | 4:
                width, order = rng.choice(('H', 'I', 'Q')), rng.choice('<>')
                number = struct.pack(order + width, rng.choice(NUMBERS) % 2 ** (8 * struct.calcsize(width)))
                data[start : start + len(number)] = number
            case 5:
                del data[start : start + length]
            case 6:
                data[start:start] = data[start : start + length] * rng.choice((1, 1, 8))
            case 7:
                source = rng.choice(others) if others else bytes(rng.randrange(256) for _ in range(16))
                at = rng.randrange(len(source))
                data[start : start + rng.choice((0, length))] = source[at : at + length]
    if rng.random() < 0.2:
        del data[rng.randrange(len(data) + 1) :]
    return bytes(data)


def with_png_checksums(content: bytes) -> bytes:
    """A damaged PNG with checksums that fit, so that decoders look further."""
    data, position = bytearray(content), 8
    while position + 12 <= len(data):
        (length,) = struct.unpack_from('>I', data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            break
        struct.pack_into('>I', data, end, zlib.crc32(data[position + 4 : end]))
        position = end + 4
    return bytes(data)
