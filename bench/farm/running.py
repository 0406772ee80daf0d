"""Runs `smets1-bench run` for each station, and waits for all of them, whatever becomes of one."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Lock
from typing import Final

from bench.clock import Cancellation
from bench.farm.plan import FarmStation

COMMAND: Final = (sys.executable, "-m", "bench.cli")
NEVER_BEGAN: Final = "the farm was stopped before it began"


class Runs:
    """The runs of a farm. Each is in a session of its own: a Ctrl-C at the terminal reaches them
    once, through the farm, and each one then leaves its kit safe as it does alone.
    """

    def __init__(self, folder: Path, words: Sequence[str], cancellation: Cancellation) -> None:
        """`words`: of the command line of every run, without station and folder."""
        self._folder = folder
        self._words = tuple(words)
        self._cancellation = cancellation
        self._lock = Lock()
        self._under_way: list[subprocess.Popen[bytes]] = []

    def ended(
        self, stations: Sequence[FarmStation], *, at_once: int
    ) -> Iterator[tuple[FarmStation, str]]:
        """Each station when its run has ended, with what it says of its end where that is not a
        verdict: that it was stopped or killed, or why there is no result.
        """
        self._cancellation.on_cancel(self._stop)
        try:
            with ThreadPoolExecutor(at_once) as pool:
                futures = {pool.submit(self._run, each): each for each in stations}
                for future in as_completed(futures):
                    yield futures[future], future.result()
        finally:
            self._cancellation.forget(self._stop)

    def _run(self, station: FarmStation) -> str:
        words = [*COMMAND, "run", *self._words, "--station", station.given]
        words += ["--out", str(self._folder / station.folder)]
        console = console_of(self._folder, station)
        try:
            with console.open("wb") as said:
                with self._lock:
                    if self._cancellation.reason is not None:
                        return NEVER_BEGAN
                    process = subprocess.Popen(
                        words,
                        stdin=subprocess.DEVNULL,
                        stdout=said,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                    self._under_way.append(process)
                code = process.wait()
            with self._lock:
                self._under_way.remove(process)
            return _end(code, console)
        except OSError as error:
            return f"it does not run: {error}"

    def _stop(self) -> None:
        with self._lock:
            for process in self._under_way:
                process.send_signal(signal.SIGINT)


def console_of(folder: Path, station: FarmStation) -> Path:
    """What the station's run printed."""
    return folder / f"{station.folder}.console.txt"


def _end(code: int, console: Path) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    lines = console.read_text(encoding="utf-8", errors="replace").splitlines()
    wrong = [line for line in lines if line.startswith(("error: ", "internal error: "))]
    stopped = [line for line in lines if line.startswith("stopped; ")]
    return "; ".join([*wrong, *stopped])
