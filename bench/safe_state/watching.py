"""The run's side of the watchdog: a process of its own session, told what is due over a pipe."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO, cast

from bench.errors import BenchError
from bench.safe_state.undo import Undo, to_data


class Watchdog:
    """Started on creation. The end of the pipe tells it that the run is dead."""

    def __init__(self, folder: Path) -> None:
        words = [sys.executable, "-m", "bench.safe_state.watchdog", str(folder)]
        try:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            raise BenchError(f"the watchdog does not start: {error.strerror}") from error
        self._input: TextIO = cast(TextIO, self._process.stdin)
        self._output: TextIO = cast(TextIO, self._process.stdout)

    @property
    def pid(self) -> int:
        return self._process.pid

    def register(self, undo: Undo) -> None:
        """Returns when the watchdog has it."""
        self._tell("register", to_data(undo))

    def settled(self, undo: Undo) -> None:
        self._tell("settled", to_data(undo))

    def release(self, *, wait: bool) -> None:
        """The run has ended in order. What is still registered the watchdog tries once more, as
        soon as the port is free: so nobody waits for it then.
        """
        with suppress(OSError):
            self._input.close()
        if wait:
            self._process.wait()
        self._output.close()

    def _tell(self, word: str, undo: dict[str, Any]) -> None:
        try:
            self._input.write(json.dumps([word, undo]) + "\n")
            self._input.flush()
            heard = self._output.readline()
        except OSError:
            heard = ""
        if heard.strip() != word:
            raise BenchError(
                "the watchdog does not answer: nothing is switched that nobody could put back",
                hint="run it again",
            )
