"""Clocks: a meter's clock goes on as it went, and shows the time that it acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bench.conduct.breach import Breach, Watched, done
from bench.invariant import Invariant
from bench.units import Micros, format_duration

_GAIN_PPM: Final = 100
_MILLION: Final = 1_000_000


def clocks(watched: Watched) -> Iterator[Breach]:
    """Off: it gained or lost more than the tolerance, and 100 ppm of the time that passed."""
    for device in watched.installation.meters:
        name = device.name
        before, after = watched.before.devices[name], watched.after.devices[name]
        last: tuple[Micros, Micros] | None = None
        set_at: Micros | None = None
        if before.clock_error is not None:
            last = watched.started, before.clock_error
        for act in watched.asked(name, "set_clock", "read_clock"):
            if act.operation == "set_clock":
                set_at = act.at if done(act) else None
                last = None if set_at is None else last
            elif isinstance(act.answer, int):
                error = act.answer - act.at
                if set_at is not None and abs(error) > watched.clock_tolerance:
                    detail = f"it was set, and was {_span(error)} afterwards"
                    yield Breach(name, Invariant.ACKNOWLEDGED, detail, act.at)
                elif set_at is None and last is not None:
                    yield from _off(watched, name, last, (act.at, error), act.at)
                last, set_at = (act.at, error), None
        if after.clock_error is not None and last is not None:
            yield from _off(watched, name, last, (watched.ended, after.clock_error), None)


def _off(
    watched: Watched,
    name: str,
    earlier: tuple[Micros, Micros],
    later: tuple[Micros, Micros],
    at: Micros | None,
) -> Iterator[Breach]:
    passed, gained = later[0] - earlier[0], later[1] - earlier[1]
    if abs(gained) > watched.clock_tolerance + passed * _GAIN_PPM // _MILLION:
        detail = f"it was {_span(earlier[1])} and {format_duration(passed)} later {_span(later[1])}"
        yield Breach(name, Invariant.CLOCK, detail, at)


def _span(error: Micros) -> str:
    return f"{format_duration(abs(error))} {'fast' if error >= 0 else 'slow'}"
