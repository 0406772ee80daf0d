"""The files of a trace: their lines, what a line is called, and the list of what is wrong."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Final, Protocol, cast

from bench.errors import Problem, UsageError
from bench.trace import Event
from bench.trace_reading.form import LineReader, whole
from bench.trace_reading.line import FaultyLine
from bench.units import Micros

LISTED: Final = 20
"""How many errors of a trace are listed; reading stops at the first that is not."""

LONGEST_LINE: Final = 16 * 1024 * 1024
"""Bytes; a longer line is no line of a trace, and is never held in memory whole."""

STANDARD_INPUT: Final = "-"

GZIP: Final = b"\x1f\x8b"
"""How such a file begins (RFC 1952, 2.3.1); no line of JSON does."""

_OCTETS_AT_ONCE: Final = 1024 * 1024

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""What may come before the first line."""

Where = int
"""A line of one of the trace's files, as `Places` numbers them."""

PlacedRow = tuple[Where, Micros, str, Event | FaultyLine]
"""A `Row` with its place. A faulty line's time and installation mean nothing."""


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

    Raises OSError where the file cannot be opened or read, UnreadableTrace where it is no such
    file.
    """

    name: str
    lines: int
    empty_lines: int

    def __iter__(self) -> Iterator[PlacedRow]: ...


class TraceFile:
    """One file of a trace (or standard input), read line by line.

    Iterating counts `empty_lines` and `lines`. Raises OSError where the file cannot be opened or
    read.
    """

    def __init__(self, path: str, places: Places) -> None:
        self.path = path
        self.name = STANDARD_INPUT if path == STANDARD_INPUT else Path(path).name
        self.empty_lines = 0
        self.lines = 0
        self._base = places.add(self.name)

    def __iter__(self) -> Iterator[PlacedRow]:
        if self.path == STANDARD_INPUT:
            yield from self._read(cast(BufferedIOBase, sys.stdin.buffer))
        else:
            try:
                file = Path(self.path).open("rb")  # noqa: SIM115 (closed below)
            except ValueError as error:  # a NUL in its name
                raise OSError(str(error)) from None
            with file:
                yield from self._read(file)

    def _read(self, file: BufferedIOBase) -> Iterator[PlacedRow]:
        where = self._base
        read = LineReader().read
        try:
            for lines in lines_of(file):
                for raw in lines:
                    where += 1
                    if where == self._base + 1 and raw.startswith(GZIP):
                        raise UnreadableTrace(self._packed())
                    raw = raw.strip()
                    if not raw:
                        self.empty_lines += 1
                        continue
                    try:
                        at, installation, said = read(raw.decode())
                    except FaultyLine as fault:
                        yield where, 0, "", fault
                    except UnicodeDecodeError as error:
                        expected = f"expected UTF-8, byte {error.start + 1} is none"
                        yield where, 0, "", FaultyLine(expected)
                    else:
                        yield where, at, installation, said
        except FaultyLine as fault:
            where += 1
            yield where, 0, "", fault
        self.lines = where - self._base

    def _packed(self) -> str:
        file = "FILE" if self.path == STANDARD_INPUT else shlex.quote(self.path)
        unpack = f"zcat < {file} | smets1-bench check -"
        return f"expected JSON lines, got a gzip file; unpack it: {unpack}"


def lines_of(file: BufferedIOBase) -> Iterator[list[bytes]]:
    """The lines of a file, many at once, without their ends and without a byte order mark.

    Raises FaultyLine at a line that is too long; then nothing after it is read, as its end may
    never come (a device, a pipe).
    """
    begun: list[bytes] = []
    held = 0
    mark = BYTE_ORDER_MARK
    octets = file.read1(_OCTETS_AT_ONCE)
    while octets:
        lines = octets.split(b"\n")
        held += len(lines[0])
        begun.append(lines[0])
        if held >= LONGEST_LINE:
            raise FaultyLine(
                f"expected a line shorter than {LONGEST_LINE} bytes; nothing after it is read"
            )
        if len(lines) > 1:
            lines[0] = b"".join(begun).removeprefix(mark)
            mark = b""
            begun = [lines.pop()]
            held = len(begun[0])
            yield lines
        octets = file.read1(_OCTETS_AT_ONCE)
    if held:
        yield [b"".join(begun).removeprefix(mark)]


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
) -> Iterator[tuple[Where, Event]]:
    """The events of several files as one trace, in the order given: `read_rows`, made whole."""
    for where, at, installation, said in read_rows(paths, places, complaints, reading=reading):
        yield where, whole(at, installation, said)


def read_rows(
    paths: Sequence[str],
    places: Places,
    complaints: Complaints,
    *,
    reading: Reading | None = None,
    on_faulty: Callable[[FaultyLine], None] | None = None,
    opening: Callable[[str, Places], TraceSource] = TraceFile,
) -> Iterator[tuple[Where, Micros, str, Event]]:
    """What the lines of several files state as one trace, in the order given, with their places.

    Faulty lines go to `complaints` (and to `on_faulty`) and are left out; a file that cannot be
    read, or has no event, is a complaint too.
    """
    for path in paths:
        file = opening(path, places)
        found = False
        try:
            for where, at, installation, said in file:
                found = True
                if isinstance(said, FaultyLine):
                    complaints.add(where, said.faults)
                    if on_faulty is not None:
                        on_faulty(said)
                else:
                    yield where, at, installation, said
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
