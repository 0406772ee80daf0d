"""Plots as inline SVG: histograms and bars. A colour always comes with a word or a figure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from markupsafe import Markup

_WIDTH: Final = 560
_HEIGHT: Final = 170
_LEFT: Final = 56
_BOTTOM: Final = 34
_TOP: Final = 12
_MOST_BARS: Final = 56


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it stands for, and its parts from the bottom up (class, count)."""

    label: str
    parts: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        return sum(count for _, count in self.parts)


def histogram(
    title: str, counts: Mapping[int, int], label: Callable[[int], str], unit: str
) -> Markup:
    """How many installations have each value; wide ranges are put together in even classes.

    Heights are logarithmic, so that the few at the far end are seen.
    """
    if not counts:
        return Markup("")
    least, most = min(counts), max(counts)
    width = max(1, -(-(most - least + 1) // _MOST_BARS))
    classes: dict[int, int] = {}
    for value, count in counts.items():
        start = least + (value - least) // width * width
        classes[start] = classes.get(start, 0) + count
    bars = []
    for start in range(least, most + 1, width):
        end = start + width - 1
        named = label(start) if width == 1 else f"{label(start)} to {label(end)}"
        bars.append(Bar(named, (("all", classes.get(start, 0)),)))
    return _chart(title, bars, unit, logarithmic=True)


def days(title: str, bars: Sequence[Bar], capacity: int) -> Markup:
    """A bar for each day, with a line at the daily capacity."""
    return _chart(title, bars, "day", capacity=capacity)


def _chart(
    title: str, bars: Sequence[Bar], unit: str, *, logarithmic: bool = False, capacity: int = 0
) -> Markup:
    highest = max([capacity, *(bar.total for bar in bars)], default=0) or 1
    inner = _HEIGHT - _TOP - _BOTTOM

    def height(count: int) -> float:
        if not count:
            return 0.0
        if logarithmic:
            return inner * math.log10(1 + count) / math.log10(1 + highest)
        return inner * count / highest

    step = (_WIDTH - _LEFT - 8) / max(1, len(bars))
    base = _HEIGHT - _BOTTOM
    drawn = [
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">',
        f'<line class="axis" x1="{_LEFT}" y1="{base}" x2="{_WIDTH - 8}" y2="{base}"/>',
    ]
    for count in _marks(highest, logarithmic):
        y = base - height(count)
        drawn.append(
            f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - 8}" y2="{y:.1f}"/>'
        )
        drawn.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{count:,}</text>')
    for place, bar in enumerate(bars):
        x, top = _LEFT + place * step, base - height(bar.total)
        said = f"{bar.label}: " + ", ".join(
            f"{count:,}" if len(bar.parts) == 1 else f"{count:,} {name}"
            for name, count in bar.parts
        )
        y = float(base)
        for name, count in bar.parts:
            share = (base - top) * count / bar.total if bar.total else 0.0
            if share:
                y -= share
                drawn.append(
                    f'<rect class="bar {name}" x="{x:.1f}" y="{y:.1f}" '
                    f'width="{max(0.6, step - 1):.1f}" height="{share:.1f}">'
                    f"<title>{escape(said)}</title></rect>"
                )
    if capacity:
        y = base - height(capacity)
        drawn.append(
            f'<line class="limit" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - 8}" y2="{y:.1f}"/>'
        )
    for place in sorted({0, len(bars) // 2, len(bars) - 1}) if bars else ():
        x = _LEFT + (place + 0.5) * step
        anchor = "start" if not place else "end" if place == len(bars) - 1 else "middle"
        drawn.append(
            f'<text x="{x:.1f}" y="{base + 16}" text-anchor="{anchor}">'
            f"{escape(bars[place].label.partition(' to ')[0])}</text>"
        )
    scale = "installations, logarithmic" if logarithmic else "openings"
    drawn.append(
        f'<text class="scale" x="{_LEFT}" y="{_HEIGHT - 4}">{escape(unit)}; {scale}</text>'
    )
    return Markup("".join([*drawn, "</svg>"]))


def _marks(highest: int, logarithmic: bool) -> list[int]:
    if logarithmic:
        return [10**power for power in range(len(str(highest)))]
    return [highest // 2, highest] if highest > 1 else [highest]
