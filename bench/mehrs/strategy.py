"""The model of a strategy: parameters and rules, each with its value, status and source.

The bench never pretends to hold the MEHRS. It holds what two public covering papers say, and
marks every number with how it is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bench.parties import Group
from bench.units import Micros, format_duration


class Status(StrEnum):
    """How a value or a rule is known, strongest first; a judgement shows the weakest."""

    CONCLUDED = "concluded"  # stated in a conclusions paper
    CARRIED = "carried"  # stated for an earlier version; no paper we have changes it later
    PROPOSED = "proposed"  # stated in a consultation paper
    OVERLAY = "overlay"  # supplied by a lab with its own citation
    READING = "reading"  # our reading of an ambiguous sentence; the others are named
    BENCH = "bench"  # a safety invariant of this bench
    UNSOURCED = "unsourced"  # the paper says that it exists, not what it is


_WEAKNESS: Final = {status: rank for rank, status in enumerate(Status)}


def weakest(*statuses: Status) -> Status:
    """The status a judgement shows that rests on all of these."""
    return max(statuses, key=_WEAKNESS.__getitem__)


class Kind(StrEnum):
    """What a parameter's value is."""

    DURATION = "duration"  # microseconds
    COUNT = "count"  # whole number
    CHOICE = "choice"  # one of the parameter's readings


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value or rule is stated: a paper and its row or clause (`S`, `row 4`)."""

    document: str
    clause: str

    def __str__(self) -> str:
        return f"[{self.document} {self.clause}]" if self.clause else f"[{self.document}]"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number or reading of the strategy.

    `value` is microseconds for a duration, an int for a count, the reading's name for a choice; it
    is None where the parameter is `unsourced`, and `placeholder` then lets an emulated run
    proceed. A placeholder never yields a pass. `choices` are all readings of a choice, the pinned
    one included; `meanings` says each in a sentence, and `note` why ours was pinned.
    """

    id: str
    section: str
    title: str
    kind: Kind
    value: int | str | None
    status: Status
    source: Source
    placeholder: int | None = None
    choices: tuple[str, ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict, hash=False)
    note: str = ""

    @property
    def other_readings(self) -> tuple[str, ...]:
        """The readings not taken; empty once an overlay settles the matter."""
        if self.status is Status.OVERLAY:
            return ()
        return tuple(choice for choice in self.choices if choice != self.value)

    @property
    def running_value(self) -> int | str:
        """What a run goes by: the value, or the placeholder where there is none."""
        value = self.placeholder if self.value is None else self.value
        assert value is not None, f"{self.id} has neither a value nor a placeholder"
        return value

    def shown(self, value: int | str | None = None) -> str:
        """The value (or another of the same kind) as a person reads it."""
        value = self.value if value is None else value
        if value is None:
            return "unsourced"
        return format_duration(int(value)) if self.kind is Kind.DURATION else str(value)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of TRACE.md as a version has it.

    `status` is the rule's own; None means "as its parameters". `section` is the MEHRS section (or
    `MAM`, or `BENCH`), `reading` the sentence that says what was read and what was not.
    """

    id: str
    section: str
    title: str
    groups: tuple[Group, ...]
    status: Status | None
    parameters: tuple[str, ...]
    source: Source
    reading: str = ""


def section_order(section: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts sections by their numbers: `2.5.10` after `2.5.9`, names after numbers."""
    first = section.partition(",")[0].partition("-")[0]
    return tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in first.split(".")
    )


@dataclass(frozen=True, slots=True)
class Document:
    """One version of the MEHRS or of the MAM: what the papers say of it.

    `digest` is `sha256:…` over the resolved content, so it changes with any value, status or
    source, and with nothing else.
    """

    kind: str  # "MEHRS" or "MAM"
    version: str
    title: str
    date: str
    digest: str
    parameters: Mapping[str, Parameter]
    rules: Mapping[str, Rule]


@dataclass(frozen=True, slots=True)
class Overlay:
    """What a lab supplies from the documents it holds."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Strategy:
    """A MEHRS version and a MAM version, with a lab's overlay merged in."""

    mehrs: Document
    mam: Document
    overlay: Overlay | None
    parameters: Mapping[str, Parameter]
    rules: Mapping[str, Rule]

    def rules_for(self, group: Group) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules.values() if group in rule.groups)

    def duration(self, parameter: str) -> Micros:
        """What a run goes by, microseconds: see `Parameter.running_value`."""
        return int(self.parameters[parameter].running_value)

    def count(self, parameter: str) -> int:
        return int(self.parameters[parameter].running_value)

    def choice(self, parameter: str) -> str:
        return str(self.parameters[parameter].running_value)

    def has(self, parameter: str) -> bool:
        """Whether this version has the parameter at all (`3.4.1.wait` is absent from 2.0)."""
        return parameter in self.parameters

    @property
    def hashes(self) -> dict[str, str]:
        """As `result.json` and `check --json` print them."""
        digests = {"mehrs": self.mehrs.digest, "mam": self.mam.digest}
        if self.overlay is not None:
            digests["overlay"] = self.overlay.digest
        return digests
