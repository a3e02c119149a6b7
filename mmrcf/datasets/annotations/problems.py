"""What the validators of annotation files report."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        severity: 'error' where this project would refuse the file, 'warning' where it does not read the field or can do
            without, though other tools may not, 'note' where nothing is wrong that one may want to know of.
        place: Where in the file, by ids (by index where there is no id).
        field: The field, with the frame where it is a list over frames.
        message: What is there and what was expected.
        video_id: As in the file, or None.
        annotation_id: As in the file, or None.
    """

    severity: str
    place: str
    field: str
    message: str
    video_id: int | None = None
    annotation_id: int | None = None

    def __str__(self) -> str:
        return f'{self.severity}: {self.place}: {self.field}: {self.message}'

    def as_dict(self) -> dict:
        """For JSON."""
        return asdict(self)


@dataclass
class Place:
    """Where the checks are; collects what they find there."""

    problems: list[Problem]
    name: str
    video_id: int | None = None
    annotation_id: int | None = None

    def error(self, field: str, message: str) -> None:
        """Add an error."""
        self._add('error', field, message)

    def warning(self, field: str, message: str) -> None:
        """Add a warning."""
        self._add('warning', field, message)

    def note(self, field: str, message: str) -> None:
        """Add a note."""
        self._add('note', field, message)

    def _add(self, severity: str, field: str, message: str) -> None:
        self.problems.append(Problem(severity, self.name, field, message, self.video_id, self.annotation_id))
