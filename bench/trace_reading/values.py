"""The values that the fields of a trace may have: a parser for each, which says what it expects."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from bench.spelling import did_you_mean
from bench.units import MINUTE, SECOND, Micros, parse_instant


class Expected(Exception):
    """What a value should have been, and what was probably meant."""

    def __init__(self, what: str, advice: str = "") -> None:
        self.what = what
        self.advice = advice
        super().__init__(what)


Parse = Callable[[Any], Any]
"""From the JSON value to the event's; raises Expected."""


def refuse(what: str) -> NoReturn:
    """Says what the value should have been."""
    raise Expected(what)


def one_of(*values: str) -> Parse:
    """Exactly one of the listed words."""
    # The table hands back its own object, so that a million lines share one string.
    canonical = {value: value for value in values}
    what = f"one of {', '.join(values)}" if len(values) > 1 else values[0]

    def parse(value: Any) -> str:
        found = canonical.get(value) if type(value) is str else None
        if found is not None:
            return found
        raise Expected(what, did_you_mean(value, values) if isinstance(value, str) else "")

    return parse


def name(value: Any) -> str:
    if type(value) is str and value.strip():
        return value
    refuse("a name that is not empty")


def code(value: Any) -> str:
    if type(value) is str and value.strip():
        return sys.intern(value)
    refuse("a code as text, not empty")


def text(value: Any) -> str:
    return value if type(value) is str else refuse("text")


_minutes: dict[str, Micros] = {}
_SECONDS: Final[Mapping[str, Micros]] = {f"{second:02d}": second * SECOND for second in range(60)}
_TAILS: Final[Mapping[str, Micros]] = {f"{text}Z": span for text, span in _SECONDS.items()}
_FRACTION_UNITS: Final = (0, 100_000, 10_000, 1_000, 100, 10, 1)
"""Microseconds of the last digit of a fraction, by the number of its digits."""


def instant(value: Any) -> Micros:
    """A time, RFC 3339 UTC ending in `Z`."""
    # The minute of a time seen before, the common case, need not be parsed again.
    if type(value) is str:
        minute = _minutes.get(value[:17])
        if minute is not None:
            second = _TAILS.get(value[17:])
            if second is not None:
                return minute + second
            second = _SECONDS.get(value[17:19])
            if second is not None and value[19:20] == "." and 21 < len(value) < 28:
                fraction = value[20:-1]
                if value[-1] == "Z" and fraction.isdigit() and fraction.isascii():
                    return minute + second + int(fraction) * _FRACTION_UNITS[len(fraction)]
    try:
        moment = parse_instant(value)
    except ValueError as error:
        refuse(str(error))
    if len(_minutes) > 100_000:
        _minutes.clear()
    _minutes[value[:17]] = moment // MINUTE * MINUTE
    return moment


def names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        refuse("a list of suppliers' names")
    found = tuple(name(one) for one in value)
    if len(set(found)) != len(found):
        refuse("a list of suppliers' names, each once")
    return found


def flag(value: Any) -> bool:
    return value if type(value) is bool else refuse("true or false")


def whole_from_1(value: Any) -> int:
    # 1.0 is the same JSON number as 1, and some writers know no other; true is no number.
    if type(value) is int and value >= 1:
        return value
    if type(value) is float and value.is_integer() and value >= 1:
        return int(value)
    refuse("a whole number from 1")


def seconds(value: Any) -> float:
    """A span in seconds, fractions allowed."""
    if type(value) in (int, float):
        try:
            if math.isfinite(value) and value >= 0:
                return float(value)
        except OverflowError:
            pass
    refuse("a finite number of seconds, not negative")


_SECTION: Final = re.compile(r"2\.[3-6](?:\.[1-9]\d?){1,2}", re.ASCII)


def step_section(value: Any) -> str:
    """A section of the process: the list of sections is open, its numbers are not."""
    if type(value) is str and (value == "commissioning" or _SECTION.fullmatch(value)):
        return sys.intern(value)
    refuse("a section from 2.3 to 2.6, such as 2.3.2 or 2.6.4.1, or commissioning")
