"""Problems of an annotation file, and the one reader of its fields, which finds them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from mmrcf.errors import InputError

REQUIRED = object()
"""No default: the field must be there."""

_KINDS = {
    int: 'a whole number',
    float: 'a number',
    bool: 'true or false',
    str: 'a string',
    list: 'a list',
    dict: 'a JSON object',
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        severity: 'error' where the reader refuses the file, 'warning' where it does not read the field or can do
            without, though other tools may not, 'note' where nothing is wrong that one may want to know of.
        location: Where in the file, by ids (by index where there is no id).
        field: The field, with the frame where it is a list over frames.
        message: What is there and what was expected.
        video_id: As in the file, or None.
        annotation_id: As in the file, or None.
    """

    severity: str
    location: str
    field: str
    message: str
    video_id: int | None = None
    annotation_id: int | None = None

    def __str__(self) -> str:
        return f'{self.severity}: {self.location}: {self.field}: {self.message}'

    def as_dict(self) -> dict:
        """For JSON."""
        return asdict(self)


Report = Callable[[Problem], None]
"""Called with each problem. If it returns, reading continues."""


def refuse(source: str) -> Report:
    """A report that raises :class:`InputError` at the first problem; ``source`` is the file, for the message."""

    def report(problem: Problem) -> None:
        location = '' if problem.location == 'file' else f'{problem.location}: '
        advice = '' if ';' in problem.message else '; correct it'
        raise InputError(f'{source}: {location}{problem.field}: {problem.message}{advice}')

    return report


def describe(value: Any) -> str:
    """A value of a JSON file, for a message of one line."""
    if value is REQUIRED or value is None:
        return 'missing' if value is REQUIRED else 'null'
    if isinstance(value, (list, dict)):
        return _KINDS[type(value)]
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'


@dataclass(slots=True)
class Location:
    """An entry of a file: reads its fields and reports what is wrong with them."""

    report: Report
    name: str = 'file'
    video_id: int | None = None
    annotation_id: int | None = None

    def read(self, entry: Any, key: str, *kinds: type, default: Any = REQUIRED) -> Any:
        """``entry[key]``, which has one of these types; true and false are no numbers.

        Returns:
            The value; ``default`` where the field is missing; None after an error, if the report returns.
        """
        if type(entry) is not dict:
            self.is_object(entry)
            return None
        value = entry.get(key, default)
        if type(value) in kinds or (value is default and default is not REQUIRED):
            return value
        self.error(key, f'is {describe(value)}, expected {" or ".join(_KINDS[kind] for kind in kinds)}')
        return None

    def is_object(self, entry: Any) -> bool:
        """Whether an entry has fields at all; it is an error if not."""
        if type(entry) is not dict:
            self.error('entry', f'is {describe(entry)}, expected a JSON object')
        return type(entry) is dict

    def error(self, field: str, message: str) -> None:
        """Report an error."""
        self._add('error', field, message)

    def warning(self, field: str, message: str) -> None:
        """Report a warning."""
        self._add('warning', field, message)

    def note(self, field: str, message: str) -> None:
        """Report a note."""
        self._add('note', field, message)

    def _add(self, severity: str, field: str, message: str) -> None:
        self.report(Problem(severity, self.name, field, message, self.video_id, self.annotation_id))
