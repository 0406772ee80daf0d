"""The undos that are due while a run is under way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.errors import BenchError, PeerError
from bench.safe_state.note import note
from bench.safe_state.undo import Undo
from bench.safe_state.watching import Watchdog

PUT_BACK = "put back"


class SafeState:
    """A context: on leaving it, by whatever way, what is registered is put back, the last first.

    Undos may be registered and settled on several threads.

    The watchdog is started with the first undo, since most runs need none. `failures` says what
    could not be put back; it never hides what ended the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._due: list[tuple[Undo, Callable[[], None]]] = []
        self._watchdog: Watchdog | None = None
        self._one = threading.Lock()  # the watchdog answers one at a time
        self.failures: list[str] = []

    def register(self, undo: Undo, do: Callable[[], None]) -> None:
        """Before the act. `do` puts it back over what is open in this process.

        When this returns the watchdog knows it. Raises `BenchError` if there can be none: the act
        must not be made then.
        """
        with self._one:
            if self._watchdog is None:
                self._watchdog = Watchdog(self._folder)
            self._watchdog.register(undo)
            self._due.append((undo, do))

    def settled(self, undo: Undo) -> None:
        """It was put back in the ordinary course. Nothing happens if it was not registered."""
        with self._one:
            for entry in [entry for entry in self._due if entry[0] == undo]:
                self._due.remove(entry)
                if self._watchdog is not None:
                    self._watchdog.settled(undo)

    def put_back(self) -> None:
        """Does every undo that is due, the last first, whatever comes of the others."""
        while self._due:
            undo, do = self._due.pop()
            try:
                do()
            except (BenchError, PeerError) as error:
                outcome = f"failed: {error}"
                self.failures.append(f"{undo}: {error}")
            else:
                outcome = PUT_BACK
                if self._watchdog is not None:
                    self._watchdog.settled(undo)
            self.note(undo, outcome)

    def note(self, undo: Undo, outcome: str = PUT_BACK) -> None:
        """A line of it in the run's folder, if there is room for one."""
        with suppress(OSError):  # a full disk must not keep the mains off
            note(self._folder, "run", str(undo), outcome)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.put_back()
        if self._watchdog is not None:
            self._watchdog.release(wait=not self.failures)
            self._watchdog = None
