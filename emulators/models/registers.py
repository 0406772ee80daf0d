"""A cumulative register: the closed-form integral of a daily load curve.

Nothing ticks. What the register shows at any moment, past or future, follows from the load curve
and the list of moments at which consumption stopped, went on or the register was lost.

All arithmetic is whole numbers: consumption in W·%·µs, the register in steps (Wh or dm³).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Final, NamedTuple

from bench.units import DAY, HOUR, Micros
from emulators.models.kept import NEWEST, KeptRegister, KeptSegment


@dataclass(frozen=True, slots=True)
class Fuel:
    """What a register counts.

    `hours`: the load of each hour of the UTC day in per cent of the mean; they sum to 2400.
    One step of the register (a thousandth of `unit`) is `wh_tenths` tenths of a watt-hour.
    """

    register: str
    unit: str
    wh_tenths: int
    hours: tuple[int, ...]
    before: tuple[int, ...]

    def percent_micros(self, at: Micros) -> int:
        """The integral of the load curve from the epoch to `at`, in %·µs."""
        days, rest = divmod(at, DAY)
        hour, part = divmod(rest, HOUR)
        return 2400 * HOUR * days + self.before[hour] * HOUR + self.hours[hour] * part


def _fuel(register: str, unit: str, wh_tenths: int, hours: tuple[int, ...]) -> Fuel:
    assert len(hours) == 24, "a load for each hour"
    assert sum(hours) == 2400, "a mean of 100 %"
    return Fuel(register, unit, wh_tenths, hours, (0, *accumulate(hours)))


# Two peaks, at breakfast and in the evening. The shapes are the bench's own; no paper gives any.
_ELECTRICITY_HOURS: Final = (
    *(50, 45, 40, 40, 40, 50, 90, 140, 130, 100, 90, 90),
    *(100, 95, 90, 95, 120, 170, 200, 185, 155, 120, 95, 70),
)
_GAS_HOURS: Final = (
    *(20, 20, 20, 20, 40, 120, 240, 260, 180, 110, 80, 70),
    *(70, 60, 70, 100, 150, 200, 210, 160, 110, 50, 20, 20),
)

ELECTRICITY: Final = _fuel("import", "kWh", 10, _ELECTRICITY_HOURS)
# About 11.2 kWh of heat in a cubic metre of natural gas, so 11.2 Wh in a dm³.
GAS: Final = _fuel("volume", "m³", 112, _GAS_HOURS)


class Flow(NamedTuple):
    """What really flows: `power_w` now, and whole watt-hours since the emulation began."""

    power_w: Decimal
    since_start_wh: int


class _Segment(NamedTuple):
    """From `start` on (until the next segment) the register holds `base` and grows, or not."""

    start: Micros
    base: int
    running: bool


class Register:
    """One cumulative register with a resolution of a thousandth of its unit.

    `start`: what it shows at `at`, in steps. Never falls, unless `lose` takes its content; `fell`
    then says so for good, and `fell_at` when.
    """

    __slots__ = ("_load_w", "_lost", "_segments", "_start", "_step", "fell", "fell_at", "fuel")

    def __init__(self, fuel: Fuel, start: int, load_w: int, at: Micros) -> None:
        self.fuel = fuel
        self.fell = False
        self.fell_at: Micros | None = None
        self._load_w = load_w
        # One step in units of W·%·µs; the tenths are exact because an hour has enough factors.
        self._step = 100 * HOUR * fuel.wh_tenths // 10
        self._start = start * self._step
        self._lost = 0
        self._segments = [_Segment(at, self._start, True)]

    def steps(self, at: Micros) -> int:
        """What the register shows at `at`, in thousandths of its unit.

        Before the emulation began it is what a meter that ran like this all along had shown.
        """
        segments = self._segments
        index = len(segments) - 1
        while index and segments[index].start > at:
            index -= 1
        return self._content(segments[index], at) // self._step

    def value(self, at: Micros) -> Decimal:
        """What the register shows at `at`, in its unit; always three decimals."""
        return Decimal(self.steps(at)).scaleb(-3)

    def run(self, at: Micros, *, running: bool) -> None:
        """Consumption goes on or stops at `at`, which must not lie before an earlier change."""
        last = self._segments[-1]
        if last.running != running:
            self._segments.append(_Segment(at, self._content(last, at), running))

    def lose(self, at: Micros) -> None:
        """The register starts again from zero: a defect."""
        last = self._segments[-1]
        content = self._content(last, at)
        if content >= self._step:
            self.fell, self.fell_at = True, at
        self._lost += content
        self._segments.append(_Segment(at, 0, last.running))

    def kept(self) -> KeptRegister:
        segments = tuple(
            KeptSegment(one.start, str(one.base), one.running) for one in self._segments[-NEWEST:]
        )
        return KeptRegister(str(self._start), segments, str(self._lost), self.fell)

    def recall(self, kept: KeptRegister) -> None:
        """It went on meanwhile. ValueError: no register has such a past."""
        starts = [segment.start for segment in kept.segments]
        if not starts or starts != sorted(starts):
            raise ValueError("register: expected segments, each beginning after the one before")
        segments = [_Segment(one.start, int(one.base), one.running) for one in kept.segments]
        self._start, self._lost, self.fell = int(kept.started_with), int(kept.lost), kept.fell
        self._segments = segments

    def flow(self, now: Micros) -> Flow:
        """What a witness beside the register sees; content that was lost has still flowed."""
        last = self._segments[-1]
        percent = self.fuel.hours[now % DAY // HOUR] if last.running else 0
        flowed = self._content(last, now) + self._lost - self._start
        return Flow(Decimal(self._load_w * percent) / 100, flowed // (100 * HOUR))

    def _content(self, segment: _Segment, at: Micros) -> int:
        if not segment.running:
            return segment.base
        curve = self.fuel.percent_micros
        return segment.base + self._load_w * (curve(at) - curve(segment.start))
