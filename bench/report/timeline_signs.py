"""The signs of a time line: their shapes, their legend, and how wide a label gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bench.report.timeline_lanes import Mark


def px(value: float) -> str:
    """A coordinate: one decimal, no more bytes than needed."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def wide(label: str) -> float:
    """Pixels that a label takes at 11 px in a wide font; what is drawn is seldom wider."""
    return sum(
        13.0 if ord(char) >= 0x1100 else 8.2 if char.isupper() else 3.8 if char in " .,:'" else 7.0
        for char in label
    )


_SHAPES: Final[Mapping[str, str]] = {
    "passed": "M{l} {y}a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "failed": "M{l} {t}l8 8m0-8l-8 8",
    "unknown": "M{x} {tt}l5 5l-5 5l-5-5z",
    "file": "M{l} {t}h5l3 3v5h-8z",
    "report": "M{l} {t}h8v8h-8z",
    "flag": "M{x} {b}v-9h8l-2 2.5l2 2.5h-8",
    "notice": "M{x} {b}v-9h8l-2 2.5l2 2.5h-8",
    "operator": "M{l} {b}a4 4 0 0 1 8 0zM{xm} {t}a2 2 0 1 0 4 0a2 2 0 1 0-4 0z",
}


def shape(mark: Mark, x: float, y: float) -> str:
    """The mark as a path around its middle; outcomes differ by shape, not only by colour."""
    path = _SHAPES[mark.shape].format(
        x=px(x),
        y=px(y),
        l=px(x - 4),
        t=px(y - 4),
        b=px(y + 4),
        tt=px(y - 5),
        xm=px(x - 2),
    )
    return f'<path class="{mark.shape}" d="{path}"/>'


_LEGEND: Final = (
    ("passed", "passed, accepted, succeeded"),
    ("failed", "failed, rejected"),
    ("unknown", "done or not is unknown"),
    ("file", "file"),
    ("report", "failure reported"),
    ("flag", "failed finding, by its number; an open incident"),
    ("notice", "other finding, by its number"),
    ("operator", "a person was asked"),
)

_LEGEND_BANDS: Final = (
    ("window", "permitted window of the strategy"),
    ("placeholder", "placeholder: the value is not public"),
    ("held-smso", "account with the SMSO, old key"),
    ("held-dcc", "account with DCC, new key"),
    ("key-unknown", "key not proven"),
    ("incident", "incident open"),
    ("outage", "outage: nothing is known"),
)


def legend() -> str:
    """The signs of a time line, each with its meaning, as HTML."""
    items = []
    for name, said in _LEGEND:
        sign = shape(Mark(0, name, "", ""), 9, 9)
        items.append((said, sign))
    for style, said in _LEGEND_BANDS:
        sign = f'<g class="band {style}"><rect x="1" y="3" width="16" height="12"/></g>'
        items.append((said, sign))
    return (
        "<ul>"
        + "".join(
            f'<li><svg class="sign" width="18" height="18" aria-hidden="true"><title>{said}</title>'
            f"{sign}</svg>{said}</li>"
            for said, sign in items
        )
        + "</ul>"
    )
