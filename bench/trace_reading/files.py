"""The files of a trace: their lines, what a line is called, and the list of what is wrong."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Final, Protocol

from bench.errors import Problem, UsageError
from bench.trace import Event
from bench.trace_reading.form import LineReader
from bench.trace_reading.line import FaultyLine

LISTED: Final = 20
"""How many errors of a trace are listed; reading stops at the first that is not."""

LONGEST_LINE: Final = 16 * 1024 * 1024
"""Bytes; a longer line is no line of a trace, and is never held in memory whole."""

STANDARD_INPUT: Final = "-"

Where = int
"""A line of one of the trace's files, as `Places` numbers them."""


class Places:
    """Names the lines of several files by one number each: the file's number and the line's."""

    _SHIFT: Final = 40

    def __init__(self, *names: str) -> None:
        self._names: list[str] = list(names)

    def add(self, name: str) -> Where:
        """Adds a file; its line n is the returned number plus n."""
        self._names.append(name)
        return (len(self._names) - 1) << self._SHIFT

    def split(self, where: Where) -> tuple[str, int]:
        """The file's base name (or `-`) and the line, counted from 1."""
        index = where >> self._SHIFT
        return self._names[index], where - (index << self._SHIFT)

    def text(self, where: Where) -> str:
        name, line = self.split(where)
        return f"{name}:{line}"


class UnreadableTrace(Exception):
    """A file as a whole is no trace. Says what was expected of it."""


class TraceSource(Protocol):
    """One file of a trace, whatever its form.

    Iterating yields (where, event or FaultyLine). Raises OSError where the file cannot be opened
    or read, UnreadableTrace where it is no such file.
    """

    name: str
    lines: int
    empty_lines: int

    def __iter__(self) -> Iterator[tuple[Where, Event | FaultyLine]]: ...


class TraceFile:
    """One file of a trace (or standard input), read line by line.

    Iterating yields (where, event or FaultyLine) and counts `empty_lines` and `lines`. Raises
    OSError where the file cannot be opened or read.
    """

    def __init__(self, path: str, places: Places) -> None:
        self.path = path
        self.name = STANDARD_INPUT if path == STANDARD_INPUT else Path(path).name
        self.empty_lines = 0
        self.lines = 0
        self._base = places.add(self.name)

    def __iter__(self) -> Iterator[tuple[Where, Event | FaultyLine]]:
        if self.path == STANDARD_INPUT:
            yield from self._read(sys.stdin.buffer)
        else:
            try:
                file = Path(self.path).open("rb")  # noqa: SIM115 (closed below)
            except ValueError as error:  # a NUL in its name
                raise OSError(str(error)) from None
            with file:
                yield from self._read(file)

    def _read(self, file: IO[bytes]) -> Iterator[tuple[Where, Event | FaultyLine]]:
        where = self._base
        read = LineReader().read
        for raw in raw_lines(file):
            where += 1
            if isinstance(raw, FaultyLine):
                yield where, raw
            elif not raw:
                self.empty_lines += 1
            else:
                try:
                    yield where, read(raw.decode())
                except FaultyLine as fault:
                    yield where, fault
                except UnicodeDecodeError as error:
                    yield where, FaultyLine(f"expected UTF-8, byte {error.start + 1} is none")
        self.lines = where - self._base


def raw_lines(
    file: IO[bytes], *, at_start: bool = True, octets: float = math.inf
) -> Iterator[bytes | FaultyLine]:
    """The lines from where the file stands, without what may stand around an object.

    `at_start`: a byte order mark may come first. Only lines that begin within the next `octets`
    are read. An empty line is empty octets. Nothing comes after a line that is too long.
    """
    for raw in iter(partial(file.readline, LONGEST_LINE), b""):
        if octets <= 0:
            return
        octets -= len(raw)
        if at_start:
            at_start = False
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if len(raw) >= LONGEST_LINE and not raw.endswith(b"\n"):
            # Its end may never come (a device, a pipe), so what follows is not looked for.
            expected = f"expected a line shorter than {LONGEST_LINE} bytes"
            yield FaultyLine(f"{expected}; nothing after it is read")
            return
        yield raw.strip()


class Complaints:
    """Collects the errors of a trace, up to `LISTED`, and raises them together."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._problems: list[Problem] = []

    def __bool__(self) -> bool:
        return bool(self._problems)

    def add(self, where: Where, faults: Sequence[str]) -> None:
        """Raises UsageError with those found before, once more than are listed have been found."""
        name, line = self._places.split(where)
        for fault in faults:
            self._add(Problem(name, fault, line=line))

    def add_file(self, name: str, fault: str) -> None:
        self._add(Problem(name, fault))

    def _add(self, problem: Problem) -> None:
        if len(self._problems) == LISTED:
            raise UsageError(self._problems, hint="further errors are not listed")
        self._problems.append(problem)

    def raise_if_any(self) -> None:
        if self._problems:
            raise UsageError(self._problems)


@dataclass(slots=True)
class Reading:
    """How far a trace has been read."""

    lines: int = 0
    empty_lines: int = 0


def read_trace(
    paths: Sequence[str],
    places: Places,
    complaints: Complaints,
    *,
    reading: Reading | None = None,
    on_faulty: Callable[[FaultyLine], None] | None = None,
    opening: Callable[[str, Places], TraceSource] = TraceFile,
) -> Iterator[tuple[Where, Event]]:
    """The events of several files as one trace, in the order given.

    Faulty lines go to `complaints` (and to `on_faulty`) and are left out; a file that cannot be
    read, or has no event, is a complaint too.
    """
    for path in paths:
        file = opening(path, places)
        found = False
        try:
            for where, event in file:
                found = True
                if isinstance(event, FaultyLine):
                    complaints.add(where, event.faults)
                    if on_faulty is not None:
                        on_faulty(event)
                else:
                    yield where, event
        except OSError as error:
            why = error.strerror or str(error)
            complaints.add_file(path, f"expected a readable trace file: {why}")
            found = True
        except UnreadableTrace as error:
            complaints.add_file(path, str(error))
            found = True
        if reading is not None:
            reading.lines += file.lines
            reading.empty_lines += file.empty_lines
        if not found:
            complaints.add_file(file.name, "expected at least one event, found none")
