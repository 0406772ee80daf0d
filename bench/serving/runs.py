"""The runs in a folder, as the pages show them. Reads only; a run is a folder that `run` wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.errors import UsageError
from bench.live.process import alive
from bench.live.status import RUNNING, STATUS, Status, read_status
from bench.result import read_result
from bench.units import Micros, parse_instant

TRACE: Final = "trace.jsonl"
RESULT: Final = "result.json"
INTERRUPTED: Final = "interrupted"
"""The state of a run whose process is gone and that never said it was over."""

_SIGNS: Final = (STATUS, RESULT, TRACE)


@dataclass(frozen=True, slots=True)
class Run:
    """One run for the list. `state` as `Status.state`, or `interrupted`; times on its own clock."""

    name: str
    folder: Path
    state: str
    verdict: str
    kit: str
    suite: str
    station: str
    started: Micros | None
    written: float
    scenarios: int
    done: int
    reported: bool


class Runs:
    """The runs below `root`, newest first, or `root` itself where it is a run.

    What a finished run says is read once, unless its files change.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[Path, tuple[tuple[int, ...], Run]] = {}

    def newest(self, limit: int) -> tuple[list[Run], int]:
        """At most `limit` runs, and how many there are."""
        folders = sorted(self._folders(), key=_written, reverse=True)
        return [self._run(folder) for folder in folders[:limit]], len(folders)

    def find(self, name: str) -> Run | None:
        """The run of that name. Only what is listed is found: a name is never taken as a path."""
        folder = next((folder for folder in self._folders() if folder.name == name), None)
        return None if folder is None else self._run(folder)

    def _folders(self) -> Iterator[Path]:
        if _is_run(self._root):
            yield self._root
            return
        try:
            entries = [Path(entry.path) for entry in os.scandir(self._root) if _is_folder(entry)]
        except OSError as error:
            raise UsageError(f"{self._root}: cannot be read: {error.strerror}") from error
        yield from (entry for entry in entries if _is_run(entry))

    def _run(self, folder: Path) -> Run:
        state = tuple(_changed(folder / sign) for sign in _SIGNS[:2])
        known = self._known.get(folder)
        if known is not None and known[0] == state and known[1].state != RUNNING:
            return known[1]
        run = _read(folder)
        self._known[folder] = state, run
        return run


def _read(folder: Path) -> Run:
    status = read_status(folder)
    return _recorded(folder) if status is None else _told(folder, status)


def _told(folder: Path, status: Status) -> Run:
    gone = status.state == RUNNING and not alive(status.process)
    return Run(
        name=folder.name,
        folder=folder,
        state=INTERRUPTED if gone else status.state,
        verdict=status.verdict,
        kit=status.kit,
        suite=status.suite,
        station=status.station,
        started=status.started,
        written=_written(folder),
        scenarios=status.scenarios,
        done=status.done,
        reported=(folder / "report.html").exists(),
    )


def _recorded(folder: Path) -> Run:
    """A run without a status: its result, if there is one, tells what the list needs."""
    try:
        record = read_result(folder)
        texts = (record.verdict, record.kit, record.suite, record.station, record.started)
        if not all(isinstance(text, str) for text in texts):
            raise UsageError(f"{folder / RESULT}: expected texts")
    except UsageError:
        return Run(
            folder.name, folder, INTERRUPTED, "", "", "", "", None, _written(folder), 0, 0, False
        )
    try:
        started = parse_instant(record.started)
    except ValueError:
        started = None
    return Run(
        name=folder.name,
        folder=folder,
        state="stopped" if record.stopped else "finished",
        verdict=record.verdict,
        kit=record.kit,
        suite=record.suite,
        station=record.station,
        started=started,
        written=_written(folder),
        scenarios=len(record.scenarios),
        done=sum(not scenario.not_run for scenario in record.scenarios),
        reported=(folder / "report.html").exists(),
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)


def _is_run(folder: Path) -> bool:
    return any((folder / sign).is_file() for sign in _SIGNS)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _written(folder: Path) -> float:
    """When the run last wrote into its folder, seconds since 1970."""
    return max(_changed(folder / sign) for sign in _SIGNS) / 1e9
