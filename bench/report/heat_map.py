"""Heat maps of faults: which fault struck where, and how the installations ended.

`heat_map` is a fragment that any report may hold; `heat_map_page` is a file of its own that needs
nothing else, under the same policy as `report.html`. A colour always comes with a word or figure.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bench.report.html import TEMPLATES
from bench.tool_identity import tool_version


@dataclass(frozen=True, slots=True)
class Heat:
    """Runs in which the fault struck there; of them `parked`, and `red`: what must not happen."""

    runs: int
    parked: int
    red: int

    @property
    def kind(self) -> str:
        if self.red:
            return "red"
        return "parked" if self.parked else "good"

    @property
    def said(self) -> str:
        words = [f"{self.runs} runs"]
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
class RedCell:
    end: str
    why: str
    replay: str


def heat_map(tables: Sequence[HeatTable]) -> Markup:
    """The tables alone; their style is `heat.css`."""
    return Markup(_environment().get_template("heat.html.j2").render(tables=tables))


def heat_map_page(
    title: str,
    facts: Sequence[tuple[str, str]],
    tables: Sequence[HeatTable],
    red: Sequence[RedCell],
) -> str:
    style = _asset("style.css") + _asset("heat.css")
    return (
        _environment()
        .get_template("heat_page.html.j2")
        .render(
            title=title,
            facts=facts,
            red=red,
            heat=heat_map(tables),
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
