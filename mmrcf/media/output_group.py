"""Several outputs of one run, none of which is lost because another fails."""

import contextlib
from collections.abc import Iterable
from typing import Any

from mmrcf.errors import InputError, InputFileError, one_line

from .writers import EARLY_ENDS, AtomicWriter


class OutputGroup:
    """Outputs that are written side by side in a ``with`` block, each finished for itself.

    An output that fails is given up. Its error is raised when the others are complete; at once where no other is left.
    An error of the run itself discards all of them, as it does a single :class:`AtomicWriter`.

    Args:
        outputs: Opened with the block; if one of them cannot be opened, none is written.
    """

    def __init__(self, outputs: Iterable[AtomicWriter]) -> None:
        self._outputs = list(outputs)
        self._failures: list[Exception] = []

    def __enter__(self) -> 'OutputGroup':
        with contextlib.ExitStack() as stack:
            for output in self._outputs:
                stack.enter_context(output)
            stack.pop_all()
        return self

    def add(self, output: AtomicWriter, *content: Any) -> None:
        """Call ``output.add(*content)``, unless ``output`` has failed before.

        Raises:
            Exception: It fails, and no other output is left.
        """
        if output not in self._outputs:
            return
        try:
            output.add(*content)
        except Exception as error:
            self._outputs.remove(output)
            self._failures.append(error)
            with contextlib.suppress(InputError):  # closing what cannot be written fails once more
                output.__exit__(type(error), error, None)
            if not self._outputs:
                raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        complete = []
        for output in self._outputs:
            try:
                output.__exit__(kind, error, trace)
                complete.append(output.path)
            except Exception as failure:
                self._failures.append(failure)
        if self._failures and (kind is None or issubclass(kind, EARLY_ENDS)):
            self._tell(', '.join(str(path) for path in complete if path.exists()))

    def _tell(self, complete: str) -> None:
        """Raise the first failure; where it is one of the user's to fix, with what is complete."""
        failure = self._failures[0]
        if not complete or not isinstance(failure, InputError):
            raise failure
        raise InputFileError(f'{one_line(failure)}; {complete} is complete') from failure
