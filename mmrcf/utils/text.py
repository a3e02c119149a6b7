"""Words of messages."""

import re

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
