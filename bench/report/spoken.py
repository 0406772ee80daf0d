"""How times and spans are said to a reader: UTC, and no finer than the reader needs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from bench.units import DAY, HOUR, MINUTE, SECOND, Micros, format_duration, parse_instant

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def span(length: Micros) -> str:
    """`4 h`, `25 h 13 min`, `6 d 3 h`; below a minute to the millisecond, above to the second."""
    if length < MINUTE:
        return format_duration(length - length % 1_000 if length >= 1_000 else length)
    length -= length % SECOND
    if length < 3 * DAY:
        return format_duration(length)
    days, rest = divmod(length, DAY)
    rest -= rest % (HOUR if rest >= HOUR else MINUTE)
    return f"{days} d {format_duration(rest)}" if rest else f"{days} d"


def rough(length: Micros) -> str:
    """To the minute from an hour on, to the second below: for columns and labels."""
    unit = MINUTE if length >= HOUR else SECOND
    return span(length - length % unit if length >= unit else length)


def day(at: Micros) -> str:
    """`7 Jun 2021`."""
    date = datetime.fromtimestamp(at // SECOND, UTC)
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


def short_day(at: Micros) -> str:
    """`7 Jun`."""
    return day(at).rpartition(" ")[0]


def time_of_day(at: Micros) -> str:
    """`08:00`, with seconds where there are any: `08:00:30`, `08:00:30.25`."""
    rest = at % DAY
    text = f"{rest // HOUR:02d}:{rest // MINUTE % 60:02d}"
    if rest % MINUTE:
        text += f":{rest // SECOND % 60:02d}"
    if rest % SECOND:
        text += f".{rest % SECOND:06d}".rstrip("0")
    return text


def to_the_millisecond(at: Micros) -> str:
    """`08:00:30.250`: a time of day for a column."""
    rest = at % DAY // 1_000
    return (
        f"{rest // 3_600_000:02d}:{rest // 60_000 % 60:02d}:"
        f"{rest // 1_000 % 60:02d}.{rest % 1_000:03d}"
    )


def moment(at: Micros) -> str:
    """`7 Jun 2021 08:00`; always UTC."""
    return f"{day(at)} {time_of_day(at)}"


def length_of(started: str, ended: str) -> Micros | None:
    """The span between two times of a record; None where it has none."""
    try:
        return parse_instant(ended) - parse_instant(started)
    except ValueError:
        return None


def count(number: int, noun: str) -> str:
    """`1 attempt`, `6 attempts`, `0 attempts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""
