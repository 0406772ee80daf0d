"""Reads a suite with all it includes, and everything its scenarios name.

What comes out is ready to run. All complaints of all files come at once, each with its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.emulation import FaultSpec
from bench.errors import Problem, UsageError
from bench.file_model import read
from bench.installation import Installation
from bench.installation_file import read_installation
from bench.mehrs.loader import load_strategy
from bench.mehrs.strategy import Strategy
from bench.mehrs.versions import require
from bench.migration.defaults import shipped
from bench.migration.process import require_group
from bench.migration.sections import PROCESS
from bench.plugins import EMULATORS
from bench.plugins import load as load_plugin
from bench.shipped import find
from bench.spelling import did_you_mean
from bench.suite import Scenario, Suite
from bench.units import parse_duration
from bench.yaml_source import Document, load


@dataclass(frozen=True, slots=True)
class PreparedScenario:
    """A scenario with what it names: nothing is left to look up. `overrides` are bench defaults."""

    scenario: Scenario
    suite: str
    installation: Installation
    strategy: Strategy
    overrides: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Forced:
    """What the command line sets over every scenario."""

    mehrs: str | None = None
    mam: str | None = None
    overlay: Path | None = None


def read_suite(path: Path, forced: Forced | None = None) -> tuple[str, list[PreparedScenario]]:
    """The suite's name and its scenarios, those of included suites first.

    Raises `UsageError` with every complaint about every file.
    """
    forced = forced or Forced()
    for kind, version in (("MEHRS", forced.mehrs), ("MAM", forced.mam)):
        if version is not None:
            require(kind, version)
    reader = _Reader(forced)
    name = reader.read(path, ())
    if reader.problems:
        raise UsageError(reader.problems)
    return name, reader.scenarios


class _Reader:
    def __init__(self, forced: Forced) -> None:
        self._forced = forced
        self.scenarios: list[PreparedScenario] = []
        self.problems: list[str | Problem] = []
        self._where: dict[str, str] = {}
        self._installations: dict[Path, Installation | None] = {}  # None: it is faulty

    def read(self, path: Path, within: tuple[Path, ...]) -> str:
        try:
            document = load(path)
            suite = read(document, Suite)
        except UsageError as error:
            self.problems.extend(error.problems)
            return path.stem
        within = (*within, path.resolve())
        for index, included in enumerate(suite.includes):
            place = ("includes", index)
            try:
                target = find("suites", included, beside=path.parent)
            except UsageError as error:
                self.problems.append(document.problem(place, str(error)))
                continue
            if target.resolve() in within:
                message = f"'{included}' includes this file: expected a suite that does not"
                self.problems.append(document.problem(place, message))
                continue
            if not target.exists():
                message = f"expected a suite file, got '{target}', which does not exist"
                self.problems.append(document.problem(place, message))
                continue
            self.read(target, within)
        if not suite.scenarios and not suite.includes:
            self.problems.append(
                document.problem((), "expected scenarios or includes, got neither")
            )
        for index, scenario in enumerate(suite.scenarios):
            self._prepare(document, path, suite.suite, index, scenario)
        return suite.suite

    def _prepare(
        self, document: Document, path: Path, suite: str, index: int, scenario: Scenario
    ) -> None:
        here = ("scenarios", index)
        before = len(self.problems)
        name = scenario.scenario
        if name in self._where:
            message = f"the name '{name}' is taken by {self._where[name]}"
            self.problems.append(document.problem((*here, "scenario"), message))
        line, _ = document.position((*here, "scenario"))
        self._where.setdefault(name, f"{document.name}:{line}")
        strategy = self._strategy(document, path, here, scenario)
        installation = self._installation(document, path, here, scenario)
        if strategy is not None and installation is not None:
            try:
                require_group(strategy, installation.group)
            except UsageError as error:
                self.problems.append(document.problem((*here, "mehrs"), str(error)))
        if installation is not None:
            checks = _Checks(document, here, scenario, installation, strategy)
            found = sorted(checks.problems(), key=_place)
            self.problems.extend(found)
        overrides = self._overrides(document, here, scenario)
        if len(self.problems) == before and strategy is not None and installation is not None:
            named = replace(installation, name=name)
            self.scenarios.append(PreparedScenario(scenario, suite, named, strategy, overrides))

    def _strategy(
        self, document: Document, path: Path, here: tuple[str | int, ...], scenario: Scenario
    ) -> Strategy | None:
        before = len(self.problems)
        mehrs, mam = self._forced.mehrs or scenario.mehrs, self._forced.mam or scenario.mam
        for key, version in (("mehrs", mehrs), ("mam", mam)):
            try:
                require(key.upper(), version)
            except UsageError as error:
                self.problems.append(document.problem((*here, key), str(error)))
        overlay = self._forced.overlay
        if overlay is None and scenario.overlay is not None:
            place = (*here, "overlay")
            try:
                overlay = find("overlays", scenario.overlay, beside=path.parent)
            except UsageError as error:
                self.problems.append(document.problem(place, str(error)))
            else:
                if not overlay.exists():
                    message = f"expected an overlay file, got '{overlay}', which does not exist"
                    self.problems.append(document.problem(place, message))
        if len(self.problems) > before:
            return None
        try:
            return load_strategy(mehrs, mam, overlay)
        except UsageError as error:
            for problem in error.problems:
                if isinstance(problem, Problem):
                    self._complain_once(problem)
                else:
                    self.problems.append(document.problem((*here, "mehrs"), problem))
            return None

    def _installation(
        self, document: Document, path: Path, here: tuple[str | int, ...], scenario: Scenario
    ) -> Installation | None:
        try:
            target = find("installations", scenario.installation, beside=path.parent)
        except UsageError as error:
            self.problems.append(document.problem((*here, "installation"), str(error)))
            return None
        if not target.exists():
            message = f"expected an installation file, got '{target}', which does not exist"
            self.problems.append(document.problem((*here, "installation"), message))
            return None
        if target not in self._installations:
            try:
                self._installations[target] = read_installation(target)
            except UsageError as error:
                self.problems.extend(error.problems)
                self._installations[target] = None
        return self._installations[target]

    def _complain_once(self, problem: str | Problem) -> None:
        """Several scenarios may name the same faulty file."""
        if problem not in self.problems:
            self.problems.append(problem)

    def _overrides(
        self, document: Document, here: tuple[str | int, ...], scenario: Scenario
    ) -> dict[str, int]:
        overrides: dict[str, int] = {}
        for name, value in scenario.defaults.items():
            place = (*here, "defaults", name)
            default = shipped().get(name)
            if default is None:
                message = f"unknown default '{name}'{did_you_mean(name, shipped())}"
                self.problems.append(document.problem(place, message, at_key=True))
            elif default.is_duration:
                try:
                    overrides[name] = parse_duration(str(value))
                except ValueError as error:
                    message = f"expected {error}, got {document.got(place)}"
                    self.problems.append(document.problem(place, message))
            elif isinstance(value, int) and value > 0:
                overrides[name] = value
            else:
                message = f"expected a whole number from 1, got {document.got(place)}"
                self.problems.append(document.problem(place, message))
        return overrides


def _place(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column


@dataclass(frozen=True, slots=True)
class _Checks:
    """What a scenario names must exist: rules, sections, devices, faults, suppliers.

    Without a strategy (its own complaint stands already) rules are not looked at.
    """

    document: Document
    here: tuple[str | int, ...]
    scenario: Scenario
    installation: Installation
    strategy: Strategy | None

    def problems(self) -> Iterator[Problem]:
        scenario, expect = self.scenario, self.scenario.expect
        meters = [device.name for device in self.installation.meters]
        group = self.installation.group
        sections = [stage.section for stage in PROCESS[group] if stage.step]
        if self.strategy is not None:
            rules = [rule.id for rule in self.strategy.rules_for(group)]
            yield from self._known("expect", "rules", expect.rules, rules, "rule", group)
        yield from self._known("expect", "failed", expect.failed, sections, "section", group)
        yield from self._known("expect", "keys", expect.keys, meters, "meter")
        yield from self._known(
            "expect", "attempts", expect.attempts, ["3.1", "3.2", "3.3", "3.4.1"], "retry section"
        )
        yield from self._known(
            "preconditions", "keys", scenario.preconditions.keys, meters, "meter"
        )
        yield from self._known(
            "parties",
            "suppliers",
            scenario.parties.suppliers,
            list(self.installation.suppliers),
            "supplier",
        )
        yield from self._fault_problems()

    def _known(
        self,
        outer: str,
        inner: str,
        given: Mapping[str, object],
        known: list[str],
        noun: str,
        group: str = "",
    ) -> Iterator[Problem]:
        for name in given:
            if name not in known:
                of = f" of group {group} in this version" if group else ""
                near = did_you_mean(name, known) or f"; known: {', '.join(known)}"
                message = f"unknown {noun} '{name}'{of}{near}"
                path = (*self.here, outer, inner, name)
                yield self.document.problem(path, message, at_key=True)

    def _fault_problems(self) -> Iterator[Problem]:
        problems_of: Callable[[FaultSpec, Installation], list[str]]
        problems_of = load_plugin(EMULATORS, "fault-problems")
        for index, entry in enumerate(self.scenario.faults):
            path = (*self.here, "faults", index)
            for problem in problems_of(entry.spec, self.installation):
                yield self.document.problem(path, problem)
