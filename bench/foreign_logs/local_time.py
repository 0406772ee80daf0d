"""Times of a foreign log as UTC: their pattern, their zone, and the hours a clock shows twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bench.units import MILLISECOND, SECOND, Micros

if TYPE_CHECKING:
    from bench.foreign_logs.log_map import TimeForm

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)
_NUMBER: Final = re.compile(r"(-?\d{1,15})(?:\.(\d{1,6})\d*)?", re.ASCII)
_EPOCHS: Final = {"epoch-seconds": SECOND, "epoch-milliseconds": MILLISECOND}
_DIRECTIVE: Final = re.compile(r"%(.)")
_KNOWN: Final = frozenset("aAbBdDfHIjmMpSTyYzZ%")

ReadTime = Callable[[str], Micros]
"""A time of the log as microseconds UTC. Raises ValueError that says what is wrong with it."""


def time_problems(form: TimeForm) -> Iterator[tuple[str, str]]:
    """What is wrong with the form of times: the key of the map, and what was expected."""
    epoch = form.format in _EPOCHS
    found = set(_DIRECTIVE.findall(form.format))
    unknown = sorted(found - _KNOWN)
    if not epoch and form.format != "iso" and (unknown or not found & {"Y", "y"}):
        wrong = f"%{unknown[0]} is unknown" if unknown else "it has no year"
        yield (
            "format",
            "expected iso, epoch-seconds, epoch-milliseconds or a pattern such as"
            f" %d/%m/%Y %H:%M:%S, got '{form.format}': {wrong}",
        )
    if form.zone:
        try:
            ZoneInfo(form.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            wanted = "expected a name of the IANA list such as Europe/London or UTC"
            yield "zone", f"{wanted}, got '{form.zone}'"
        if epoch or "z" in found:
            why = "the format has %z" if "z" in found else f"{form.format} counts in UTC"
            yield "zone", f"expected none: {why}"
    elif not epoch and form.format != "iso" and "z" not in found:
        yield "zone", "expected one such as Europe/London or UTC: the format has no %z"


def time_reader(form: TimeForm) -> ReadTime:
    """What reads the times of a log. The form has no problems."""
    if form.format in _EPOCHS:
        unit = _EPOCHS[form.format]
        return lambda text: _epoch(text, unit)
    zone = ZoneInfo(form.zone) if form.zone else None
    if form.format == "iso":
        return lambda text: _to_utc(_iso(text), zone, form)
    return lambda text: _to_utc(_by_pattern(text, form.format), zone, form)


def _epoch(text: str, unit: Micros) -> Micros:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError("expected a number of seconds or milliseconds since 1970")
    micros = int(match[1]) * unit
    fraction = int((match[2] or "").ljust(6, "0") or 0) * unit // SECOND
    return micros - fraction if match[1].startswith("-") else micros + fraction


def _iso(text: str) -> datetime:
    try:
        if len(text) > len("2021-05-04"):  # a day alone is no time
            return datetime.fromisoformat(text)
        raise ValueError
    except ValueError:
        raise ValueError("expected a time such as 2021-05-04T09:00:00Z (iso)") from None


def _by_pattern(text: str, pattern: str) -> datetime:
    try:
        return datetime.strptime(text, pattern)
    except ValueError:
        raise ValueError(f"expected a time as {pattern}") from None


def _to_utc(moment: datetime, zone: ZoneInfo | None, form: TimeForm) -> Micros:
    if moment.tzinfo is not None:
        return _micros(moment)
    if zone is None:
        raise ValueError("expected a time with its offset, such as +01:00; or the map names a zone")
    both = [_micros(moment.replace(tzinfo=zone, fold=fold)) for fold in (0, 1)]
    if both[0] == both[1]:
        return both[0]
    # Where the clock is put forward the two are the other way round, and neither was ever shown.
    if both[0] > both[1]:
        raise ValueError(f"a time that {form.zone} never had: the clock was put forward over it")
    if form.twice.value == "refuse":
        offsets = " or ".join(
            str(timezone(moment.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta()))
            for fold in (0, 1)
        )
        raise ValueError(
            f"a time that {form.zone} had twice ({offsets}): the log does not say which; the map"
            " can, with twice: earlier or twice: later"
        )
    return both[form.twice.value == "later"]


def _micros(moment: datetime) -> Micros:
    try:
        return (moment.astimezone(UTC) - _EPOCH) // _MICRO
    except OverflowError:
        raise ValueError("expected a time of the years 1 to 9999") from None
