"""Rules that somebody accepts as undecided, each with a reason: what a CI job may go green on.

An acceptance changes the exit code and nothing else: verdicts, findings and certificates stay as
they are. A failed rule is never accepted. *Inconclusive* and *not run* are two things, and who
accepts one has not accepted the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

from bench.errors import Problem, UsageError
from bench.file_model import read
from bench.mehrs.loader import load_document
from bench.mehrs.versions import versions
from bench.result import RunRecord
from bench.spelling import did_you_mean
from bench.verdict import Verdict
from bench.yaml_source import load

INCONCLUSIVE: Final = "inconclusive"
NOT_RUN: Final = "not run"


@dataclass(frozen=True, slots=True)
class AcceptedRule:
    """`because`: who reads the job's log should know why. `not_run`: also where it was not run."""

    rule: str
    because: str
    not_run: bool = False

    def covers(self, verdict: str) -> bool:
        return verdict == INCONCLUSIVE or (verdict == NOT_RUN and self.not_run)


@dataclass(frozen=True, slots=True)
class AcceptedRules:
    """The form of the file."""

    accepted: tuple[AcceptedRule, ...]


@dataclass(frozen=True, slots=True)
class Undecided:
    """`verdict`: inconclusive or not run. `under`: which strategy judged."""

    rule: str
    verdict: str
    under: str = ""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """All that was accepted, by rule."""

    rules: Mapping[str, AcceptedRule]

    def covers(self, found: Undecided) -> bool:
        return found.rule in self.rules and self.rules[found.rule].covers(found.verdict)

    def told(self, undecided: Sequence[Undecided]) -> Iterator[str]:
        """What was accepted and why, what was not, and which acceptances nothing needed."""
        undecided = sorted(undecided, key=attrgetter("rule", "verdict"))
        for (rule, verdict), found in groupby(undecided, attrgetter("rule", "verdict")):
            under = "; ".join(each.under for each in found if each.under)
            said = f"{rule} is {verdict}" + (f" under {under}" if under else "")
            if self.covers(Undecided(rule, verdict)):
                yield f"accepted: {said}: {self.rules[rule].because}"
            else:
                yield f"not accepted: {said}"
        needed = {found.rule for found in undecided if self.covers(found)}
        for rule in self.rules:
            if rule not in needed:
                yield f"accepted for nothing: {rule} is not undecided here; strike it off the list"


def read_acceptance(given: Iterable[str]) -> Acceptance:
    """`given`: names of rules, and paths of YAML files. Raises UsageError with every complaint."""
    rules: dict[str, AcceptedRule] = {}
    problems: list[str | Problem] = []
    known = _known_rules()
    for word in given:
        if word.endswith((".yaml", ".yml")):
            document = load(Path(word))
            for number, entry in enumerate(read(document, AcceptedRules).accepted):
                path = ("accepted", number, "rule")
                if entry.rule not in known:
                    problems.append(document.problem(path, _unknown(entry.rule, known)))
                elif not entry.because.strip():
                    why = "expected a reason that a reader of the log understands, got nothing"
                    problems.append(document.problem(("accepted", number, "because"), why))
                rules[entry.rule] = entry
        elif word in known:
            rules[word] = AcceptedRule(word, "named on the command line")
        else:
            problems.append(Problem("--accept-inconclusive", _unknown(word, known)))
    if problems:
        raise UsageError(problems, hint="smets1-bench rules prints every rule")
    return Acceptance(rules)


def undecided_in(record: RunRecord) -> tuple[Undecided, ...]:
    """What keeps the certificates of a run from passing, apart from what failed."""
    return tuple(
        Undecided(rule.rule, rule.verdict, certificate.strategy.label)
        for certificate in record.certificates
        for rule in certificate.rules
        if rule.verdict in (INCONCLUSIVE, NOT_RUN)
    )


def is_whole(record: RunRecord) -> bool:
    """No certificate failed, and every scenario that counts on one was run to its end."""
    return not any(
        certificate.verdict == Verdict.FAIL.label for certificate in record.certificates
    ) and not any(scenario.not_run for scenario in record.scenarios if not scenario.deviant)


def _known_rules() -> frozenset[str]:
    return frozenset(
        rule
        for kind in ("MEHRS", "MAM")
        for version in versions(kind)
        for rule in load_document(kind, version).rules
    )


def _unknown(rule: str, known: Iterable[str]) -> str:
    return f"expected a rule, or a .yaml file, got '{rule[:100]}'{did_you_mean(rule, known)}"
