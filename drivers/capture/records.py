"""The records of a capture, their file and its reader. Format: docs/capture.md.

Key material is stored as its length and the key's reference, never as octets.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from bench.errors import BenchError, Problem, UsageError
from bench.units import Micros, format_instant, parse_instant
from drivers.capture.hiding import Hidden, Segment

_LINE_AT_MOST: Final = 4_194_304
_HIDDEN_AT_MOST: Final = 4_096
_PROBLEMS_AT_MOST: Final = 100


class Direction(StrEnum):
    """Seen from the bench."""

    OUT = "out"
    IN = "in"


class Happening(StrEnum):
    """What else is worth a line."""

    SCENARIO = "scenario"  # what the port is opened for
    OPENED = "opened"
    LINE = "line"  # the settings changed
    DISCARDED = "discarded"  # the input stored since the last line was thrown away unread
    GONE = "gone"  # the port vanished
    REOPENED = "reopened"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Passed:
    """Octets that passed at `at` (for input: had arrived), with key material cut out."""

    at: Micros
    port: str
    direction: Direction
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Noted:
    """A happening at the port; `detail` is the settings, or why it is gone."""

    at: Micros
    port: str
    happening: Happening
    detail: str = ""


CaptureRecord = Passed | Noted


class CaptureSink(Protocol):
    """Takes records in order; each is with the system when `store` returns."""

    def store(self, record: CaptureRecord) -> None: ...


class CaptureList:
    """A capture in memory."""

    def __init__(self) -> None:
        self.records: list[CaptureRecord] = []

    def store(self, record: CaptureRecord) -> None:
        self.records.append(record)


class CaptureFile:
    """A capture as a file, readable by its owner only. Several ports may share one.

    It is added to. Part of a line, left by a kill or a full disk, is cut off first: between whole
    lines nobody could read it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            _cut_to_whole_lines(self._file)
        except OSError as error:
            raise BenchError(f"cannot open the capture {path}: {error.strerror}") from error

    def store(self, record: CaptureRecord) -> None:
        line = (to_line(record) + "\n").encode("ascii")
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError as error:
            with suppress(OSError):
                _cut_to_whole_lines(self._file)
            raise BenchError(f"cannot write the capture {self._path}: {error.strerror}") from error

    def close(self) -> None:
        os.close(self._file)


def _cut_to_whole_lines(file: int) -> None:
    size = os.fstat(file).st_size
    if not size or os.pread(file, 1, size - 1) == b"\n":
        return
    tail = os.pread(file, _LINE_AT_MOST, max(0, size - _LINE_AT_MOST))
    os.ftruncate(file, size - len(tail) + tail.rfind(b"\n") + 1)


def to_line(record: CaptureRecord) -> str:
    """One JSON object, ASCII, without a line end."""
    fields: dict[str, object] = {"at": format_instant(record.at), "port": record.port}
    if isinstance(record, Passed):
        fields["dir"] = str(record.direction)
        fields["data"] = [
            segment.hex()
            if isinstance(segment, bytes)
            else {"secret": segment.reference, "length": segment.length}
            for segment in record.segments
        ]
    else:
        fields["event"] = str(record.happening)
        if record.detail:
            fields["detail"] = record.detail
    return json.dumps(fields, separators=(",", ":"))


def from_line(text: str) -> CaptureRecord:
    """ValueError says what is wrong with the line."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("expected one JSON object") from None
    if not isinstance(fields, dict):
        raise ValueError("expected one JSON object")
    at, port = parse_instant(_text(fields, "at")), _text(fields, "port")
    if "dir" in fields:
        pieces = fields.get("data")
        if not isinstance(pieces, list):
            raise ValueError("data: expected a list")
        segments = tuple(_segment(piece) for piece in pieces)
        return Passed(at, port, Direction(_text(fields, "dir")), segments)
    detail = _text(fields, "detail") if "detail" in fields else ""
    return Noted(at, port, Happening(_text(fields, "event")), detail)


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected a text")
    return value


def _segment(piece: object) -> Segment:
    if isinstance(piece, str):
        return bytes.fromhex(piece)
    if isinstance(piece, dict):
        length = piece.get("length")
        if isinstance(length, int) and not isinstance(length, bool):
            if not 0 < length <= _HIDDEN_AT_MOST:
                raise ValueError(f"data: length: expected 1 to {_HIDDEN_AT_MOST}")
            return Hidden(length, _text(piece, "secret"))
    raise ValueError("data: expected hexadecimal texts and {secret, length} objects")


def read_capture(path: Path) -> Iterator[CaptureRecord]:
    """The records in the file's order. `UsageError` names file and line of the first problem.

    A last line without its line end is what a killed run leaves: it is passed over.
    """
    for read in _lines(path):
        if isinstance(read, Problem):
            raise UsageError(read)
        yield read


def whole_capture(path: Path) -> list[CaptureRecord]:
    """All records. `UsageError` names every problem of the file (the first hundred)."""
    records: list[CaptureRecord] = []
    problems: list[Problem] = []
    for read in _lines(path):
        if isinstance(read, Problem):
            problems.append(read)
            if len(problems) > _PROBLEMS_AT_MOST:
                problems[-1] = Problem(str(path), "more lines are no records", line=read.line)
                break
        else:
            records.append(read)
    if problems:
        raise UsageError(problems, hint="a capture is JSON lines: docs/capture.md")
    return records


def _lines(path: Path) -> Iterator[CaptureRecord | Problem]:
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_LINE_AT_MOST):
                number += 1
                if not line.endswith(b"\n"):
                    if len(line) == _LINE_AT_MOST:
                        yield Problem(str(path), "line too long", line=number)
                    return
                if not line.strip():
                    continue
                try:
                    yield from_line(line.decode("ascii"))
                except UnicodeDecodeError as error:
                    message = f"expected ASCII, byte {error.start + 1} is none"
                    yield Problem(str(path), message, line=number)
                except ValueError as error:
                    yield Problem(str(path), str(error), line=number)
    except OSError as error:
        yield Problem(str(path), error.strerror or str(error))
