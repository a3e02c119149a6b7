"""Words of messages."""

import difflib
import re
from collections.abc import Iterable

PLURALS = ((r'(s|x|ch|sh)$', r'\1es'), (r'([^aeiou])y$', r'\1ies'), (r'$', 's'))


def counted(number: int, noun: str) -> str:
    """A number with its noun, for a message: '1 frame', '2 frames', '0 boxes', '3 categories'.

    Args:
        number: How many.
        noun: Of what, in the singular; the plural must be a regular one.
    """
    if number == 1:
        return f'1 {noun}'
    ending, plural = next(rule for rule in PLURALS if re.search(rule[0], noun))
    return f'{number} {re.sub(ending, plural, noun)}'


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about a misspelt name: the known name that is closest to it, if one is close."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return f'; did you mean {close[0]!r}?' if close else '; check the spelling'
