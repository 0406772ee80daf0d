"""The map: which requests to which device mean which section of the strategy.

A device sees requests; that a read of its registers is the check of 2.6.2, or a key transfer the
rotation of 3.3, only somebody who knows the S1SP can say. The map says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from bench.errors import Problem, UsageError
from bench.file_model import read
from bench.parties import Group
from bench.spelling import did_you_mean
from bench.units import MINUTE, Micros
from bench.yaml_source import Document, load

ATTEMPTS: Final = ("3.1", "3.2", "3.3")
"""Sections whose attempts reach devices. 3.4.1 is between parties."""

STEPS: Final = (
    *("2.5.7", "2.5.8", "2.5.9", "2.5.10", "2.6.2", "2.6.3", "2.6.4.1", "2.6.5"),
    "commissioning",
)
"""Sections in which a device is asked something."""

_GROUP_OF: Final = {"3.1": Group.IOC, "3.2": Group.MDS, "3.3": Group.DA}


class Passage(StrEnum):
    """Who says when the passage begins and ends."""

    OWN = "own"  # it is the observation
    ELSEWHERE = "elsewhere"  # another file, checked together with this trace, opens and closes it


@dataclass(frozen=True, slots=True)
class ObservedSection:
    """One process of the S1SP, as one device sees it.

    `asks`: the operations of the common interface that belong to it; `done_by`: the one whose
    answer decides. `gap`: requests further apart belong to another attempt. `short_attempts`: how
    many attempts of 3.1 are short, the first included. `operation`: what an attempt is called in
    the trace; without it, as `done_by`.
    """

    section: str
    device: str
    asks: tuple[str, ...]
    done_by: str
    operation: str = ""
    gap: Micros = MINUTE
    short_attempts: int = 1


@dataclass(frozen=True, slots=True)
class ObservationMap:
    """The form of a map file. `uncertainty`: of the clock (docs/trace.md)."""

    map: str
    installation: str
    group: Group
    sections: tuple[ObservedSection, ...]
    about: str = ""
    passage: Passage = Passage.OWN
    uncertainty: Micros = 0


def read_map(path: Path, operations: Mapping[str, frozenset[str]]) -> ObservationMap:
    """`operations`: what can be asked of each device on a line, by its name.

    Raises `UsageError` with every complaint, each with file, line and column.
    """
    document = load(path)
    held = read(document, ObservationMap)
    problems = list(_problems(document, held, operations))
    if problems:
        raise UsageError(problems, hint="docs/emulate.md describes the form")
    return held


def _problems(
    document: Document, held: ObservationMap, operations: Mapping[str, frozenset[str]]
) -> Iterator[Problem]:
    if not held.sections:
        yield document.problem(("sections",), "expected at least one section")
    for number, section in enumerate(held.sections):
        here = ("sections", number)
        known = (*ATTEMPTS, *STEPS)
        if section.section not in known:
            near = did_you_mean(section.section, known)
            expected = f"expected one that a device takes part in ({', '.join(known)})"
            message = f"{expected}, got '{section.section}'{near}"
            yield document.problem((*here, "section"), message)
        group = _GROUP_OF.get(section.section, held.group)
        if group is not held.group:
            message = f"section {section.section} is for group {group}, the map for {held.group}"
            yield document.problem((*here, "section"), message)
        if section.gap <= 0:
            yield document.problem((*here, "gap"), "expected a duration above 0")
        if section.short_attempts < 0:
            message = f"expected a whole number from 0, got {section.short_attempts}"
            yield document.problem((*here, "short-attempts"), message)
        asked = operations.get(section.device)
        if asked is None:
            near = did_you_mean(section.device, operations)
            message = f"expected a device that is hosted, got '{section.device}'"
            hosted = f"; hosted: {', '.join(operations) or 'none'}"
            yield document.problem((*here, "device"), message + (near or hosted))
            continue
        for place, operation in enumerate(section.asks):
            if operation not in asked:
                near = did_you_mean(operation, asked) or f"; one of {', '.join(sorted(asked))}"
                message = f"expected what '{section.device}' can be asked, got '{operation}'{near}"
                yield document.problem((*here, "asks", place), message)
        if section.done_by not in section.asks:
            message = f"expected one of asks ({', '.join(section.asks)}), got '{section.done_by}'"
            yield document.problem((*here, "done-by"), message)
