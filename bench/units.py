"""Time as the bench counts it: whole microseconds since 1970-01-01T00:00:00Z, never floats."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

Micros = Annotated[int, "microseconds"]
"""A span, or a point in time since the epoch (UTC), in whole microseconds.

In a file a span is written as `30min`.
"""

Instant = Annotated[int, "instant"]
"""A point in time, microseconds since the epoch; in a file written as `2021-04-08T09:30:00Z`."""

MILLISECOND: Final = 1_000
SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

Amount = Annotated[int, "amount"]
"""A whole number, or in a file also a span that may be negative: `-600s` (microseconds)."""

Scalar = Annotated[int | str, "scalar"]
"""A whole number or a text."""

_UNITS: Final = {"ms": MILLISECOND, "s": SECOND, "min": MINUTE, "h": HOUR, "d": DAY}
_DURATION: Final = re.compile(r"(\d{1,9})(ms|s|min|h|d)")
_INSTANT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?Z", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_days: dict[str, Micros] = {}
_day_names: dict[int, str] = {}


def parse_duration(text: str) -> Micros:
    """`90s`, `30min`, `4h`, `2d`: a whole number and a unit. ValueError says what is expected."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) and text.isascii() else None
    if match is None:
        raise ValueError("a duration: a whole number and a unit (s, min, h, d), such as 30min")
    return int(match[1]) * _UNITS[match[2]]


def format_duration(span: Micros) -> str:
    """The span as a person says it: `4 h`, `5 min`, `24 h 0 min 1 s`; exact, in at most hours."""
    if span < 0:
        return "-" + format_duration(-span)
    parts: list[tuple[int, str]] = []
    rest = span
    for name, size in (("h", HOUR), ("min", MINUTE), ("s", SECOND)):
        amount, rest = divmod(rest, size)
        parts.append((amount, name))
    seconds = f"{parts[2][0]}.{rest:06d}".rstrip("0") if rest else str(parts[2][0])
    shown = [(str(parts[0][0]), "h"), (str(parts[1][0]), "min"), (seconds, "s")]
    while len(shown) > 1 and shown[0][0] == "0":
        del shown[0]
    while len(shown) > 1 and shown[-1][0] == "0":
        del shown[-1]
    return " ".join(f"{amount} {name}" for amount, name in shown)


def parse_instant(text: str) -> Micros:
    """RFC 3339 UTC ending in `Z`, up to microseconds. Raises ValueError saying what is expected."""
    match = _INSTANT.fullmatch(text) if isinstance(text, str) else None
    if match is not None:
        day = _days.get(text[:10])
        if day is None:
            day = _parse_day(match)
        hour, minute, second = int(match[4]), int(match[5]), int(match[6])
        if day is not None and hour < 24 and minute < 60 and second < 60:
            fraction = match[7]
            micros = int(fraction.ljust(6, "0")) if fraction else 0
            return day + ((hour * 60 + minute) * 60 + second) * SECOND + micros
    raise ValueError("a UTC time such as 2021-04-08T09:30:00Z (RFC 3339, up to microseconds)")


def _parse_day(match: re.Match[str]) -> Micros | None:
    try:
        date = datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=UTC)
    except ValueError:
        return None
    if len(_days) > 10_000:
        _days.clear()
    micros = (date - _EPOCH).days * DAY
    _days[f"{match[1]}-{match[2]}-{match[3]}"] = micros
    return micros


def format_instant(at: Micros) -> str:
    """RFC 3339 UTC ending in `Z`; microseconds only where there are any."""
    days, rest = divmod(at, DAY)
    name = _day_names.get(days)
    if name is None:
        if len(_day_names) > 10_000:
            _day_names.clear()
        try:
            name = (_EPOCH + timedelta(days=days)).date().isoformat()
        except OverflowError:  # beyond the year 9999: a limit far out, never an event
            name = f"{days} days after 1970-01-01, "
        _day_names[days] = name
    seconds, micros = divmod(rest, SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    text = f"{name}T{hour:02d}:{minute:02d}:{second:02d}"
    return f"{text}.{micros:06d}".rstrip("0") + "Z" if micros else text + "Z"
