"""What a process prints, read as it comes so that it never waits for a reader."""

from __future__ import annotations

import threading
from typing import IO


class Said:
    """`until` looks at what came since the last `from_now`. Ends with the process."""

    def __init__(self, output: IO[str]) -> None:
        self._output = output
        self._lines: list[str] = []
        self._seen = 0
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def from_now(self) -> None:
        with self._changed:
            self._seen = len(self._lines)

    def until(self, what: str) -> str:
        """The next line that has it. Bounded by the test's own time-out."""
        with self._changed:
            while True:
                while self._seen < len(self._lines):
                    self._seen += 1
                    if what in self._lines[self._seen - 1]:
                        return self._lines[self._seen - 1]
                if self._ended:
                    raise AssertionError(f"it ended without '{what}': {self._lines[-20:]}")
                self._changed.wait()

    def _read(self) -> None:
        for line in self._output:
            with self._changed:
                self._lines.append(line.rstrip())
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
