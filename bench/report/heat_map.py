"""A grid of faults as a page: counts, a heat map of fault × step, what was red or parked.

`grid_fragment` is what any report may hold; `grid_page` is a file of its own that needs nothing
else, under the same policy as `report.html`. A colour always comes with a word or figure, and every
cell leads to the command that runs one of its runs again.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bench.report import TEMPLATES
from bench.tool_identity import tool_version


@dataclass(frozen=True, slots=True)
class Heat:
    """Runs in which the fault struck there; of them `parked`, and `red`: what must not happen.

    `replay`: the command that runs the worst of them again, or one of the worst.
    """

    runs: int
    parked: int
    red: int
    replay: str

    @property
    def kind(self) -> str:
        if self.red:
            return "red"
        return "parked" if self.parked else "good"

    @property
    def said(self) -> str:
        words = [f"{self.runs} {'run' if self.runs == 1 else 'runs'}"]
        words += [f"{self.red} red"] if self.red else []
        words += [f"{self.parked} parked"] if self.parked else []
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class HeatTable:
    """`cells`: by fault and place; what is missing was not run."""

    title: str
    about: str
    faults: Sequence[str]
    places: Sequence[str]
    cells: Mapping[tuple[str, str], Heat]


@dataclass(frozen=True, slots=True)
class NamedCell:
    end: str
    why: str
    replay: str


@dataclass(frozen=True, slots=True)
class FaultGrid:
    """`facts`: names and values, counts among them."""

    facts: Sequence[tuple[str, str]]
    red: Sequence[NamedCell]
    parked: Sequence[NamedCell]
    tables: Sequence[HeatTable]


def grid_style() -> str:
    """What the fragment needs beside the reports' own style."""
    return _asset("heat.css")


def grid_fragment(grid: FaultGrid) -> Markup:
    """Facts, red and parked cells, tables; headings from `h3` on. Its style is `grid_style`."""
    return Markup(_environment().get_template("heat.html.j2").render(grid=grid))


def grid_page(title: str, grid: FaultGrid) -> str:
    style = _asset("style.css") + grid_style()
    return (
        _environment()
        .get_template("heat_page.html.j2")
        .render(
            title=title,
            grid=grid_fragment(grid),
            tool=tool_version(),
            style=Markup(style),
            style_hash=_policy_hash(style),
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _policy_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
