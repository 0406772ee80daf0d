"""A trace that still grows: its new lines since a byte offset, and the drawing of its end."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from bench.live.status import Current
from bench.live.view import in_words
from bench.report.spoken import moment
from bench.report.timeline import draw
from bench.report.timeline_lanes import Permitted
from bench.report.trace_lines import Line
from bench.trace import Attempt, Event
from bench.trace_reading import FaultyLine, event_of, object_of
from bench.units import SECOND, Micros

AT_ONCE: Final = 500
"""Lines told in one answer; the page asks again."""

DRAWN: Final = 64
"""Attempts in a live drawing: the newest, so many as fit the page. The report draws all."""

_PIECE: Final = 256 * 1024
_TAIL: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Told:
    """`offset`: from where to ask next. `skipped`: older bytes that were left out at the start."""

    lines: tuple[tuple[str, str, str], ...]
    offset: int
    skipped: bool


def open_own(path: Path) -> BinaryIO:
    """A run's own file. `OSError`: it is none, or leads elsewhere; a pipe would never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no regular file", str(path))
    return os.fdopen(descriptor, "rb")


def new_lines(trace: Path, offset: int) -> Told:
    """Whole lines from `offset` on, as (time, installation, words); of a long trace its end."""
    try:
        with open_own(trace) as file:
            size = os.fstat(file.fileno()).st_size
            skipped = offset == 0 and size > _PIECE
            start = size - _PIECE if skipped else offset
            file.seek(min(start, size))
            data = file.read(_PIECE)
    except OSError:
        return Told((), offset, False)
    if skipped:
        start += data.find(b"\n") + 1
        data = data[data.find(b"\n") + 1 :]
    whole = data[: data.rfind(b"\n") + 1]
    lines = whole.splitlines(keepends=True)[:AT_ONCE]
    told = tuple(words for line in lines if (words := _words(line)) is not None)
    return Told(told, start + sum(map(len, lines)), skipped)


def drawing(trace: Path, current: Current, tolerance: Micros) -> str:
    """The scenario under way as SVG, but for its older attempts; empty where it has no event yet.

    All that says who holds what stays in: without it the rest would be drawn wrongly.
    """
    lines = _tail(trace, current.first_line)
    if not lines:
        return ""
    attempts = [line.number for line in lines if isinstance(line.event, Attempt)]
    first = attempts[-DRAWN] if len(attempts) > DRAWN else 0
    drawn = [line for line in lines if line.number >= first or not isinstance(line.event, Attempt)]
    permitted = Permitted(current.parameters, tolerance)
    return draw(drawn, permitted, (), name=current.scenario, ident="live").svg


def _tail(trace: Path, first_line: int) -> list[Line]:
    """The events from `first_line` on that stand in the file's last two megabytes."""
    try:
        with open_own(trace) as file:
            size = os.fstat(file.fileno()).st_size
            before = max(0, size - _TAIL)
            number = _count_lines(trace, before) if before else 0
            file.seek(before)
            data = file.read(_TAIL)
    except OSError:
        return []
    lines = []
    for raw in data[: data.rfind(b"\n") + 1].splitlines():
        number += 1
        if number >= first_line:
            try:
                lines.append(Line(number, _event(raw)))
            except (FaultyLine, UnicodeDecodeError):
                continue  # half a line after the cut; a faulty one is the checker's matter
    return lines


def _event(line: bytes) -> Event:
    return event_of(object_of(line.decode("utf-8")))


def _count_lines(trace: Path, until: int) -> int:
    count, left = 0, until
    with trace.open("rb") as file:
        while left and (piece := file.read(min(left, 1 << 20))):
            count += piece.count(b"\n")
            left -= len(piece)
    return count


def _words(line: bytes) -> tuple[str, str, str] | None:
    try:
        event = _event(line)
    except (FaultyLine, UnicodeDecodeError):
        return None
    return moment(event.at - event.at % SECOND), event.installation, in_words(event)
