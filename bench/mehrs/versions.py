"""Which versions of the MEHRS and the MAM the bench holds, and which was in force on a day.

A day is answered only where the version in force is known for certain; else the answer is a
refusal that says why. Drafts were never in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from bench.errors import Problem, UsageError
from bench.spelling import did_you_mean
from bench.yaml_source import load

DATA: Final = Path(__file__).with_name("data")
DEFAULT_MEHRS: Final = "5.0"
DEFAULT_MAM: Final = "4.0"


@dataclass(frozen=True, slots=True)
class Paper:
    """One of the public papers; a source names it by its letter."""

    letter: str
    title: str
    date: str
    file: str


@dataclass(frozen=True, slots=True)
class Span:
    """The days, both included, on which a version was certainly in force; `then`: what followed."""

    first: date
    last: date
    then: str


@dataclass(frozen=True, slots=True)
class _Holdings:
    """The versions held of one kind, oldest first; a draft has no span."""

    before: str
    spans: Mapping[str, Span | None]


@cache
def _index() -> Mapping[str, Any]:
    return load(DATA / "versions.yaml").data


@cache
def papers() -> Mapping[str, Paper]:
    """The public papers by their letters."""
    return {letter: Paper(letter, **entry) for letter, entry in _index()["papers"].items()}


@cache
def _holdings(kind: str) -> _Holdings:
    entry = _index()[kind]
    spans = {
        version: None
        if facts.get("draft")
        else Span(
            date.fromisoformat(facts["from"]), date.fromisoformat(facts["until"]), facts["then"]
        )
        for version, facts in entry["versions"].items()
    }
    return _Holdings(entry["before"], spans)


def versions(kind: str = "MEHRS") -> tuple[str, ...]:
    """The names of the versions held of `MEHRS` or `MAM`, oldest first."""
    return tuple(_holdings(kind).spans)


def require(kind: str, version: str) -> None:
    """Raises UsageError unless `version` is held."""
    held = versions(kind)
    if version not in held:
        raise UsageError(
            f"expected a version of the {kind} held here ({', '.join(held)}), "
            f"got '{version}'{did_you_mean(version, held)}"
        )


def as_of(day: date, *, mam: str | None = None) -> tuple[str, str]:
    """The MEHRS and MAM versions in force on `day`; a `mam` named here is taken as it is.

    The two are looked up independently. Raises UsageError where either is not known for certain.
    """
    refusals: list[Problem] = []
    mehrs = _in_force("MEHRS", day, refusals)
    if mam is None:
        mam = _in_force("MAM", day, refusals)
    else:
        require("MAM", mam)
    if refusals:
        advice = {
            "MEHRS": f"name versions: --mehrs ({', '.join(versions('MEHRS'))}) and "
            f"--mam ({', '.join(versions('MAM'))})",
            "MAM": f"name the MAM beside the date: --mam ({', '.join(versions('MAM'))})",
        }
        raise UsageError(refusals, hint=advice["MAM" if mehrs else "MEHRS"])
    return mehrs, mam


def _in_force(kind: str, day: date, refusals: list[Problem]) -> str:
    """The version in force, or an empty string and a refusal."""
    holdings = _holdings(kind)
    reason = holdings.before
    for version, span in holdings.spans.items():
        if span is None or day < span.first:
            continue
        if day <= span.last:
            return version
        reason = f"{kind} {version} was certainly in force until {span.last}; {span.then}"
    refusals.append(
        Problem(f"as of {day}", f"which {kind} was in force is not known for certain: {reason}")
    )
    return ""


def choose(
    mehrs: str | None = None, day: date | None = None, mam: str | None = None
) -> tuple[str, str]:
    """What `--mehrs`, `--as-of` and `--mam` ask for together, or the defaults."""
    if mehrs is not None and day is not None:
        raise UsageError("expected --mehrs or --as-of, got both")
    if day is not None:
        return as_of(day, mam=mam)
    mehrs, mam = mehrs or DEFAULT_MEHRS, mam or DEFAULT_MAM
    require("MEHRS", mehrs)
    require("MAM", mam)
    return mehrs, mam
