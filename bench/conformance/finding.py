"""What the checker says: findings and the judgement over a whole trace.

`Judgement.as_json` is the object that `check --json` prints (docs/trace.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bench.errors import ExitCode
from bench.mehrs.strategy import Status, Strategy
from bench.verdict import Verdict

FORMAT: Final = 1

WORDS: Final[Mapping[Verdict, str]] = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.INCONCLUSIVE: "inconclusive",
}
"""How a rule's verdict is called in findings and counts."""


@dataclass(frozen=True, slots=True)
class OtherVerdict:
    """What another reading of one parameter would say; None: the rule would not be exercised."""

    parameter: str
    choice: str
    verdict: Verdict | None

    def __str__(self) -> str:
        would = "not exercised" if self.verdict is None else WORDS[self.verdict]
        return f"read with {self.parameter} = {self.choice}: {would}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A failed or inconclusive judgement, or a pass that another reading would turn.

    `where` are `file:line`, the first the one to look at. `status` is the weakest of what the
    judgement rests on.
    """

    installation: str
    rule: str
    section: str
    status: Status
    verdict: Verdict
    expected: str
    observed: str
    where: tuple[str, ...]
    message: str
    others: tuple[OtherVerdict, ...] = ()

    @property
    def reading_sensitive(self) -> bool:
        return bool(self.others)

    def as_json(self) -> dict[str, Any]:
        said = [self.message, *(f"{other}." for other in map(_sentence, self.others))]
        return {
            "installation": self.installation,
            "rule": self.rule,
            "section": self.section,
            "status": self.status.value,
            "verdict": WORDS[self.verdict],
            "expected": self.expected,
            "observed": self.observed,
            "where": list(self.where),
            "reading_sensitive": self.reading_sensitive,
            "message": " ".join(said),
        }


def _sentence(other: OtherVerdict) -> str:
    text = str(other)
    return text[:1].upper() + text[1:]


@dataclass(slots=True)
class RuleCount:
    """Installations by their worst verdict of one rule."""

    passed: int = 0
    failed: int = 0
    inconclusive: int = 0

    def add(self, verdict: Verdict, installations: int = 1) -> None:
        word = WORDS[verdict]
        setattr(self, word, getattr(self, word) + installations)

    def take(self, other: RuleCount) -> None:
        """Adds the installations counted in another."""
        self.passed += other.passed
        self.failed += other.failed
        self.inconclusive += other.inconclusive

    def as_json(self) -> dict[str, int]:
        return {
            "passed": self.passed,
            "failed": self.failed,
            "inconclusive": self.inconclusive,
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a trace was found to be. `rules` holds the exercised rules in the strategy's order."""

    strategy: Strategy
    events: int
    installations: int
    rules: Mapping[str, RuleCount]
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict | None:
        """None where nothing was exercised."""
        counts = self.rules.values()
        if any(count.failed for count in counts):
            return Verdict.FAIL
        if any(count.inconclusive for count in counts):
            return Verdict.INCONCLUSIVE
        return Verdict.PASS if counts else None

    @property
    def label(self) -> str:
        """`pass`, `fail`, `inconclusive` or `nothing`."""
        verdict = self.verdict
        return "nothing" if verdict is None else verdict.label

    @property
    def exit_code(self) -> ExitCode:
        verdict = self.verdict
        return ExitCode.INCONCLUSIVE if verdict is None else verdict.exit_code

    def as_json(self) -> dict[str, Any]:
        overlay = self.strategy.overlay
        return {
            "format": FORMAT,
            "mehrs": self.strategy.mehrs.version,
            "mam": self.strategy.mam.version,
            "overlay": None if overlay is None else overlay.name,
            "hashes": self.strategy.hashes,
            "events": self.events,
            "installations": self.installations,
            "verdict": self.label,
            "rules": {name: count.as_json() for name, count in self.rules.items()},
            "findings": [finding.as_json() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True)
class Part:
    """What was found of some of a trace's installations: all events of each, none of any other.

    With each finding goes the place where its installation first appears, by which the findings
    of several parts are put in the trace's order; those of one installation stand in their order.
    """

    events: int
    installations: int
    rules: Mapping[str, RuleCount]
    findings: tuple[tuple[Any, Finding], ...]


def merged(strategy: Strategy, parts: Iterable[Part]) -> Judgement:
    """The judgement over the whole trace; in which order the parts come makes no difference."""
    events = installations = 0
    counts: dict[str, RuleCount] = {}
    findings: list[tuple[Any, Finding]] = []
    for part in parts:
        events += part.events
        installations += part.installations
        findings.extend(part.findings)
        for rule, count in part.rules.items():
            counts.setdefault(rule, RuleCount()).take(count)
    findings.sort(key=_first_appearance)
    return Judgement(
        strategy=strategy,
        events=events,
        installations=installations,
        rules={rule: counts[rule] for rule in strategy.rules if rule in counts},
        findings=tuple(finding for _, finding in findings),
    )


def _first_appearance(one: tuple[Any, Finding]) -> Any:
    return one[0]
