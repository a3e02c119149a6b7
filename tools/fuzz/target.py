"""What a target of the fuzzing is."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmrcf.errors import InputError


@dataclass(frozen=True)
class Target:
    """A kind of input, and what reads it.

    Attributes:
        make: Gives an input, the same for the same state of the source of randomness.
        run: Reads the input at a path; an :class:`~mmrcf.errors.InputError` is a clean end.
        suffix: What the name of an input ends in.
        reads: What it is, for the table.
        valid: What the inputs are made of; a reader accepts each.
    """

    make: Callable[[random.Random], bytes]
    run: Callable[[Path], object]
    suffix: str
    reads: str
    valid: Sequence[bytes]


def run_each(steps: Iterable[Callable[[], object]]) -> None:
    """Run all steps, also after one that refuses the input. Raise the first error if all of them do."""
    errors, accepted = [], False
    for step in steps:
        try:
            step()
            accepted = True
        except InputError as error:
            errors.append(error)
    if not accepted:
        raise errors[0]
