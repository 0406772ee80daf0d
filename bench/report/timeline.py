"""Draws the time line of one installation as SVG: to scale, and again with idle spans cut short.

Nothing is told by colour alone: outcomes differ by shape, states by their fill and their label.
Colours are the page's (`templates/style.css`). The same lines always give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any, Final

from bench.printable import printable
from bench.report.spoken import count, moment, rough, span
from bench.report.timeline_lanes import Band, Lane, Mark, Permitted, lanes_of
from bench.report.timeline_scale import BREAK_WIDTH, Scale, idle_spans
from bench.report.timeline_signs import px, shape, wide
from bench.report.trace_lines import Line
from bench.trace import Attempt, Outage
from bench.units import HOUR, Micros

GUTTER: Final = 118
NARROWEST: Final = 820
WIDEST: Final = 2600
ATTEMPT_APART: Final = 14
MARGIN: Final = 26
AXIS: Final = 46
WORTH_CUTTING: Final = 6 * HOUR
"""A shorter whole is legible to scale alone."""

_IDLE: Final = 0.18
"""A span without an event is idle when it takes this share of the whole."""

_CUT: Final = 0.06
"""The share from which on an idle span is cut short in the second drawing."""

_ROWS: Final = 7
_ROW: Final = 13


@dataclass(frozen=True, slots=True)
class Drawing:
    """`svg`: to scale. `cut`: the same with idle spans cut short; None where none is long."""

    svg: str
    cut: str | None


def draw(
    lines: Sequence[Line],
    permitted: Permitted,
    findings: Sequence[Mapping[str, Any]],
    *,
    name: str,
    ident: str,
) -> Drawing:
    """`lines` are one installation's, at least one; `ident` makes the ids unique on the page."""
    lanes = lanes_of(lines, permitted, findings)
    start, end = _extent(lines)
    idle = idle_spans(_instants(lanes, start, end), start, end, _IDLE)
    width = _width(lines)
    told = _told(lines, name, start, end)
    scale = Scale(start, end, left=GUTTER, width=width)
    svg = _Drawer(scale, lanes, idle).svg(ident, told, "to scale")
    cut = None
    long = [
        (from_, to)
        for from_, to in idle_spans(_instants(lanes, start, end), start, end, _CUT)
        if to - from_ >= HOUR
    ]
    if end - start >= WORTH_CUTTING and sum(b - a for a, b in long) * 5 >= (end - start) * 2:
        short = tuple(_inside(from_, to, start, end) for from_, to in long)
        width = max(NARROWEST, width // 2, int(BREAK_WIDTH + 40) * len(short))
        scale = Scale(start, end, left=GUTTER, width=width, cuts=short)
        cut = _Drawer(scale, lanes, ()).svg(f"{ident}-cut", told, "idle spans cut short")
    return Drawing(svg, cut)


def _inside(from_: Micros, to: Micros, start: Micros, end: Micros) -> tuple[Micros, Micros]:
    """The idle span without its edges, so that marks at them keep some room of their own scale."""
    edge = min((to - from_) // 10, (end - start) // 200)
    return from_ + edge, to - edge


def _extent(lines: Sequence[Line]) -> tuple[Micros, Micros]:
    times = [line.event.at for line in lines]
    for line in lines:
        event = line.event
        if isinstance(event, Outage):
            times.append(event.from_)
        elif isinstance(event, Attempt) and event.started is not None:
            times.append(event.started)
    start, end = min(times), max(times)
    return start, max(end, start + 1_000_000)


def _instants(lanes: Sequence[Lane], start: Micros, end: Micros) -> list[Micros]:
    found = [start, end]
    for lane in lanes:
        found += [mark.at for mark in (*lane.marks, *lane.limits)]
        found += [mark.started for mark in lane.marks if mark.started is not None]
        found += [at for band in lane.bands for at in (band.start, band.end)]
    return found


def _width(lines: Sequence[Line]) -> int:
    attempts = sum(isinstance(line.event, Attempt) for line in lines)
    return max(NARROWEST, min(WIDEST, attempts * ATTEMPT_APART))


def _told(lines: Sequence[Line], name: str, start: Micros, end: Micros) -> str:
    attempts = sum(isinstance(line.event, Attempt) for line in lines)
    return (
        f"Time line of {name}, {lines[0].event.installation}: {moment(start)} to {moment(end)} "
        f"UTC, {span(end - start)}, {count(len(lines), 'event')}, {count(attempts, 'attempt')}"
    )


def _esc(text: str) -> str:
    return escape(printable(text), quote=True)


class _Room:
    """Which pixels of some rows are taken, so that no two labels overlap."""

    def __init__(self, rows: int) -> None:
        self._taken: list[list[tuple[float, float]]] = [[] for _ in range(rows)]

    def take(self, left: float, right: float) -> int | None:
        """The first row with room for it, now taken; None where there is none."""
        for row, taken in enumerate(self._taken):
            if all(right + 4 <= a or left >= b + 4 for a, b in taken):
                taken.append((left, right))
                return row
        return None


class _Drawer:
    """Writes one drawing; `self._y` is the top of the lane that comes next."""

    def __init__(
        self, scale: Scale, lanes: Sequence[Lane], idle: Sequence[tuple[Micros, Micros]]
    ) -> None:
        self._scale = scale
        self._lanes = lanes
        self._idle = idle
        self._y = float(AXIS)
        self._behind: list[str] = []
        self._out: list[str] = []

    def svg(self, ident: str, told: str, how: str) -> str:
        for index, lane in enumerate(self._lanes):
            self._lane(lane, index)
        height = self._y + (20 if self._scale.cuts else 6)
        axis = self._axis(height)
        width = self._scale.right + MARGIN
        return (
            f'<svg class="timeline" role="img" aria-labelledby="{ident}" width="{px(width)}" '
            f'height="{px(height)}" viewBox="0 0 {px(width)} {px(height)}">'
            f'<title id="{ident}">{_esc(f"{told}; {how}")}</title>'
            + "".join((*self._behind, *axis, *self._out))
            + "</svg>"
        )

    # --- axis ---

    def _axis(self, height: float) -> list[str]:
        """Over the ticks days and lengths of idle spans; lengths of cuts stand under the lanes."""
        ticks = self._scale.ticks()
        over = 16 if any(tick.time for tick in ticks) else AXIS - 12
        room, under = _Room(1), _Room(1)
        out = [f'<text class="name" x="0" y="{AXIS - 12}">UTC</text>']
        for tick in ticks:
            x = px(tick.x)
            out.append(f'<path class="grid" d="M{x} {AXIS - 8}V{px(height)}"/>')
            if tick.time:
                out.append(f'<text class="tick" x="{x}" y="{AXIS - 12}">{tick.time}</text>')
            if tick.day and room.take(tick.x - 4, tick.x + wide(tick.day) + 4) is not None:
                out.append(f'<text class="day" x="{x}" y="{over}">{tick.day}</text>')
        for from_, to in self._idle:
            a, b = self._scale.x(from_), self._scale.x(to)
            said = f"no event for {rough(to - from_)}"
            out.append(
                f'<g class="idle"><title>{said}</title><path d="M{px(a + 2)} {AXIS - 7}'
                f'v6m0-3H{px(b - 2)}m0-3v6"/>{self._over(room, a, b, said, over)}</g>'
            )
        for from_, to, a, b in self._scale.cuts:
            said, deep = rough(to - from_), px(height - AXIS - 6)
            out.append(
                f'<g class="break"><title>{said} without an event, cut short</title>'
                f'<rect x="{px(a)}" y="{AXIS - 8}" width="{px(b - a)}" height="{deep}"/>'
                f'<path d="M{px(a - 1.5)} {AXIS}l3-8M{px(b - 1.5)} {AXIS}l3-8"/>'
                f"{self._over(under, a, b, said, height - 4)}</g>"
            )
        return out

    def _over(self, room: _Room, a: float, b: float, label: str, y: float) -> str:
        middle, half = (a + b) / 2, wide(label) / 2
        if room.take(middle - half, middle + half) is None:
            return ""
        return f'<text class="length" x="{px(middle)}" y="{px(y)}">{label}</text>'

    # --- lanes ---

    def _lane(self, lane: Lane, index: int) -> None:
        top = self._y
        body: Callable[[Lane, float], float] = self._marks_lane
        if lane.waits or any(mark.started is not None for mark in lane.marks):
            body = self._attempts_lane
        elif lane.bands:
            body = self._bands_lane
        self._y = top + body(lane, top) + 4
        if index % 2 == 0:
            height = px(self._y - top)
            right = px(self._scale.right + MARGIN)
            self._behind.append(
                f'<rect class="stripe" x="0" y="{px(top)}" width="{right}" height="{height}"/>'
            )
        self._name(lane, top)

    def _name(self, lane: Lane, top: float) -> None:
        for row, text in enumerate(filter(None, (lane.name, lane.note))):
            shown = printable(text)
            cut = shown
            while wide(cut) > GUTTER - 8:
                cut = cut.rstrip("…")[:-1] + "…"
            style = "note" if row else "name"
            self._out.append(
                f'<text class="{style}" x="0" y="{px(top + 15 + row * 12)}">{_esc(cut)}</text>'
            )

    def _bands_lane(self, lane: Lane, top: float) -> float:
        high = 17
        for band in lane.bands:
            self._band(band, top + 3, high)
        labels = 0.0
        if lane.marks:
            for mark in lane.marks:
                x = self._scale.x(mark.at)
                self._out.append(
                    f"<g><title>{_esc(mark.title)}</title>{shape(mark, x, top + 3 + high / 2)}</g>"
                )
            labels = self._labels(lane.marks, top + high + 15)
        return max(high + 4 + labels, 30.0 if lane.note else 0.0)

    def _band(self, band: Band, y: float, high: float) -> None:
        a, b = self._scale.x(band.start), self._scale.x(band.end)
        b = max(b, a + 3)
        label = printable(band.label)
        if wide(label) + 10 > b - a and band.style == "passage":
            label = label.partition(":")[0]
        inside = ""
        if wide(label) + 10 <= b - a:
            inside = f'<text x="{px(a + 5)}" y="{px(y + high - 5)}">{_esc(label)}</text>'
        elif label and b + 5 + wide(label) <= self._scale.right + MARGIN and band.style in _OUTSIDE:
            inside = (
                f'<text class="out" x="{px(b + 5)}" y="{px(y + high - 5)}">{_esc(label)}</text>'
            )
        self._out.append(
            f'<g class="band {band.style}"><title>{_esc(band.title)}</title>'
            f'<rect x="{px(a)}" y="{px(y)}" width="{px(b - a)}" height="{high}"/>{inside}</g>'
        )

    def _marks_lane(self, lane: Lane, top: float) -> float:
        y = top + 10
        for window in lane.windows:
            self._window(window, y - 7, 14)
        for mark in lane.marks:
            x = self._scale.x(mark.at)
            self._out.append(f"<g><title>{_esc(mark.title)}</title>{shape(mark, x, y)}</g>")
        room = self._limits(lane, y)
        return 18 + self._labels(lane.marks, y + 16, room)

    def _attempts_lane(self, lane: Lane, top: float) -> float:
        y = top + (26 if lane.waits else 13)
        for window in lane.windows:
            self._window(window, y - 9, 18)
        for wait in lane.waits:
            a, b = self._scale.x(wait.start), self._scale.x(wait.end)
            self._out.append(
                f'<g class="wait"><title>{_esc(wait.title)}</title>'
                f'<path d="M{px(a)} {px(y)}H{px(b)}"/></g>'
            )
        self._wait_labels(lane.waits, top + 11)
        for mark in lane.marks:
            x = self._scale.x(mark.at)
            x0 = self._scale.x(mark.at if mark.started is None else mark.started)
            lasted = f'<path class="lasted" d="M{px(x0)} {px(y)}H{px(x)}"/>' if x - x0 > 1.5 else ""
            self._out.append(f"<g><title>{_esc(mark.title)}</title>{lasted}{shape(mark, x, y)}</g>")
        room = self._limits(lane, y)
        return y - top + 10 + self._labels(lane.marks, y + 18, room, rows=1)

    def _window(self, band: Band, y: float, high: float) -> None:
        a, b = self._scale.x(band.start), self._scale.x(band.end)
        if band.start > self._scale.end:
            return
        if b - a < 4:
            middle = (a + b) / 2
            a, b = middle - 2, middle + 2
        self._out.append(
            f'<g class="band {band.style}"><title>{_esc(band.title)}</title>'
            f'<rect x="{px(a)}" y="{px(y)}" width="{px(b - a)}" height="{px(high)}"/></g>'
        )

    def _limits(self, lane: Lane, y: float) -> _Room:
        """Draws the limits that fall inside the drawing; returns the room their labels leave."""
        room = _Room(_ROWS)
        for mark in lane.limits:
            if mark.at > self._scale.end:
                continue
            x = self._scale.x(mark.at)
            label = printable(mark.label)
            left = (
                x + 3 if x + 3 + wide(label) <= self._scale.right + MARGIN else x - 3 - wide(label)
            )
            room.take(left, left + wide(label))
            self._out.append(
                f'<g class="limit"><title>{_esc(mark.title)}</title>'
                f'<path d="M{px(x)} {px(y - 12)}V{px(y + 20)}"/>'
                f'<text x="{px(left)}" y="{px(y + 18)}">{_esc(label)}</text></g>'
            )
        return room

    def _wait_labels(self, waits: Sequence[Band], y: float) -> None:
        """The length over each wait; equal waits too short for that share one label."""
        room = _Room(1)
        for label, group in groupby(waits, key=lambda wait: wait.label):
            same = list(group)
            spans = [(self._scale.x(wait.start), self._scale.x(wait.end)) for wait in same]
            if all(wide(label) + 6 <= b - a for a, b in spans):
                for a, b in spans:
                    self._centred(room, (a + b) / 2, y, label)
                continue
            several = f"{len(same)} × {label}" if len(same) > 1 else label
            a, b = spans[0][0], spans[-1][1]
            self._centred(room, (a + b) / 2, y, several)
            if len(same) > 1:
                self._out.append(f'<path class="brace" d="M{px(a)} {px(y + 6)}v-3H{px(b)}v3"/>')

    def _centred(self, room: _Room, x: float, y: float, label: str) -> None:
        half = wide(label) / 2
        x = min(max(x, GUTTER + half), self._scale.right + MARGIN - half)
        if room.take(x - half, x + half) is not None:
            self._out.append(f'<text class="length" x="{px(x)}" y="{px(y)}">{_esc(label)}</text>')

    def _labels(
        self, marks: Sequence[Mark], y: float, room: _Room | None = None, rows: int = _ROWS
    ) -> float:
        """Writes the labels that fit, heavy ones first; returns the height they take.

        In one row the first and the last mark come before those between.
        """
        room = room or _Room(rows)
        deepest = -1
        shown: list[tuple[float, int, str]] = []
        ends = (0, len(marks) - 1) if rows == 1 else ()
        order = sorted(range(len(marks)), key=lambda i: (not marks[i].heavy, 0 if i in ends else i))
        for index in order:
            label = printable(marks[index].label)
            x = self._scale.x(marks[index].at)
            left = x - 4
            if left + wide(label) > self._scale.right + MARGIN:
                left = self._scale.right + MARGIN - wide(label)
            row = room.take(left, left + wide(label))
            if row is not None and row < rows:
                shown.append((left, row, label))
                deepest = max(deepest, row)
        for left, row, label in sorted(shown):
            self._out.append(f'<text x="{px(left)}" y="{px(y + row * _ROW)}">{_esc(label)}</text>')
        return (deepest + 1) * _ROW


_OUTSIDE: Final = frozenset({"incident", "outage"})
"""Bands whose label stands beside them where it does not fit in."""
