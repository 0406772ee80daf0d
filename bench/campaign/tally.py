"""Counts of installations. Whole numbers in exact histograms: they add up in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from bench.units import DAY, MINUTE, Micros

STEP: Final[Micros] = 10 * MINUTE
"""Durations are counted in steps of so much, rounded up."""

WORST: Final = 10
"""How many installations are kept of each kind of worst case."""

Extreme = tuple[int, int, str]
"""How bad, the installation's number, its name."""


@dataclass(slots=True)
class Tally:
    """What came of some installations of a campaign.

    `totals`: installations, events, passages, attempts, wake-ups, given-up, in long retries, with
    trouble in key rotation. `outcomes`: by group and outcome. `conditions`: by condition and
    outcome; `none` where none held. `failures`: by section and code, once for each installation.
    `reports`: by code, once for each installation. `attempts`: by section and how many. `spans`: by
    steps of `STEP` from the first opening to the last close. `passages`, `wake_ups`: by how many.
    `opened`, `reopened`, `closed`: by day since 1970. `rules`: by rule and verdict. `worst`: by
    kind.
    """

    totals: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    conditions: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    reports: Counter[str] = field(default_factory=Counter)
    attempts: Counter[tuple[str, int]] = field(default_factory=Counter)
    spans: Counter[int] = field(default_factory=Counter)
    passages: Counter[int] = field(default_factory=Counter)
    wake_ups: Counter[int] = field(default_factory=Counter)
    opened: Counter[int] = field(default_factory=Counter)
    reopened: Counter[int] = field(default_factory=Counter)
    closed: Counter[int] = field(default_factory=Counter)
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    worst: dict[str, list[Extreme]] = field(default_factory=dict)

    def take(self, other: Tally) -> None:
        """Adds what another tally counted, of other installations."""
        for name in COUNTED:
            getattr(self, name).update(getattr(other, name))
        for kind, extremes in other.worst.items():
            self.worst[kind] = _worst([*self.worst.get(kind, ()), *extremes])

    def notice(self, kind: str, extreme: Extreme) -> None:
        """Keeps an installation if it is among the worst of its kind."""
        kept = self.worst.setdefault(kind, [])
        if len(kept) < WORST or _rank(extreme) < _rank(kept[-1]):
            kept.append(extreme)
            kept[:] = _worst(kept)

    def as_json(self) -> dict[str, Any]:
        """For a file; `from_json` gives it back. The same counts give the same bytes."""
        counts = {
            name: [[key, count] for key, count in sorted(getattr(self, name).items())]
            for name in COUNTED
        }
        return {**counts, "worst": dict(sorted(self.worst.items()))}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Tally:
        tally = cls()
        for name in COUNTED:
            counter = getattr(tally, name)
            for key, count in data[name]:
                counter[tuple(key) if isinstance(key, list) else key] = count
        tally.worst = {
            kind: [(size, number, name) for size, number, name in extremes]
            for kind, extremes in data["worst"].items()
        }
        return tally


COUNTED: Final = tuple(each.name for each in fields(Tally) if each.name != "worst")


def _rank(extreme: Extreme) -> tuple[int, int]:
    size, number, _ = extreme
    return -size, number


def _worst(extremes: list[Extreme]) -> list[Extreme]:
    return sorted(extremes, key=_rank)[:WORST]


def day_of(at: Micros) -> int:
    """The day since 1970."""
    return at // DAY
