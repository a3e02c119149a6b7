"""The visitors of the page: the run and the camera of each session, and a folder for its results."""

import shutil
import tempfile
import threading
from pathlib import Path

from .runs import LiveStream, ModelShelf, Run

END_SECONDS = 30.0
"""How long the folder of a visitor who left waits for the end of the run that writes into it."""


class Visits:
    """The runs of visitors by session, and a folder for each of them.

    Args:
        folder: Holds the folders.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs: dict[str, Run] = {}
        self._live: dict[str, tuple[tuple, LiveStream]] = {}
        self._folders: dict[str, list[Path]] = {}
        self._lock = threading.Lock()

    def new_folder(self, session: str) -> Path:
        """An empty folder; that of the last run of the session is removed with what is in it."""
        folder = Path(tempfile.mkdtemp(dir=self._folder, prefix='run-'))
        with self._lock:
            old, self._folders[session] = self._folders.get(session, []), [folder]
        for path in old:
            shutil.rmtree(path, ignore_errors=True)
        return folder

    def begin(self, session: str, run: Run) -> None:
        """Let ``run`` be the one that :meth:`stop` ends."""
        self._runs[session] = run

    def stop(self, session: str, *, keep: bool = True) -> None:
        """End the run of a session after its present frame; ``keep`` what is done."""
        if session in self._runs:
            self._runs[session].stop(keep=keep)

    def outputs(self, session: str) -> list[Path]:
        """Those of the last run of a session; empty where there is none."""
        return self._runs[session].outputs if session in self._runs else []

    def live(self, session: str, settings: tuple, shelf: ModelShelf) -> LiveStream:
        """The camera's stream of a session; a new one where the settings (model and options) are others."""
        if session not in self._live or self._live[session][0] != settings:
            self._live[session] = (settings, LiveStream(shelf, *settings))
        return self._live[session][1]

    def end(self, session: str) -> None:
        """Forget a session: the visitor has left. Its folder goes when its run has ended."""
        self.stop(session, keep=False)
        run = self._runs.pop(session, None)
        self._live.pop(session, None)
        if run is not None:
            run.ended.wait(END_SECONDS)
        with self._lock:
            old = self._folders.pop(session, [])
        for path in old:
            shutil.rmtree(path, ignore_errors=True)
