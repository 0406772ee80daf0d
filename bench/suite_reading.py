"""Reads a suite with all it includes, and everything its scenarios name.

What comes out is ready to run. All complaints of all files come at once, each with its place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.deviant_s1sps import DEVIANT_S1SPS
from bench.errors import Problem, UsageError
from bench.file_model import read, read_if_valid
from bench.installation import Installation, with_deviants
from bench.installation_file import read_installation
from bench.mehrs.loader import load_strategy
from bench.mehrs.strategy import Strategy
from bench.mehrs.versions import DEFAULT_MAM, DEFAULT_MEHRS, require
from bench.migration.defaults import shipped
from bench.migration.process import require_group
from bench.plugins import EMULATORS
from bench.plugins import load as load_plugin
from bench.shipped import find
from bench.spelling import did_you_mean
from bench.suite import Scenario, Suite
from bench.suite_checks import ScenarioChecks
from bench.units import parse_duration
from bench.yaml_source import Document, load

DEEPEST: Final = 20
"""How many suites may include each other in a row."""


@dataclass(frozen=True, slots=True)
class PreparedScenario:
    """A scenario with what it names: nothing is left to look up. `overrides` are bench defaults.

    `not_run` says why a scenario is left out that does not fit what the command line asks for.
    """

    scenario: Scenario
    suite: str
    installation: Installation
    strategy: Strategy
    overrides: Mapping[str, int]
    not_run: str = ""


@dataclass(frozen=True, slots=True)
class Forced:
    """What the command line sets for every scenario that names no strategy itself."""

    mehrs: str | None = None
    mam: str | None = None
    overlay: Path | None = None

    def __bool__(self) -> bool:
        return any(given is not None for given in (self.mehrs, self.mam, self.overlay))


def read_suite(
    path: Path, forced: Forced | None = None, only: Collection[str] = ()
) -> tuple[str, list[PreparedScenario]]:
    """The suite's name and its scenarios, those of included suites first; `only` names a choice.

    Raises `UsageError` with every complaint about every file, or about what `only` names.
    """
    forced = forced or Forced()
    for kind, version in (("MEHRS", forced.mehrs), ("MAM", forced.mam)):
        if version is not None:
            require(kind, version)
    reader = _Reader(forced, only)
    name = reader.read(path, ())
    if reader.problems:
        raise UsageError(reader.problems)
    unknown = [wanted for wanted in only if wanted not in reader.names]
    if unknown:
        raise UsageError(
            [
                f"no scenario is called '{each}'{did_you_mean(each, reader.names)}"
                for each in unknown
            ],
            hint=f"smets1-bench list {name} shows the scenarios of a shipped suite",
        )
    return name, reader.scenarios


class _Reader:
    def __init__(self, forced: Forced, only: Collection[str]) -> None:
        self._forced = forced
        self._only = only
        self.scenarios: list[PreparedScenario] = []
        self.problems: list[str | Problem] = []
        self._where: dict[str, str] = {}
        self._read: set[Path] = set()
        self._installations: dict[Path, Installation | None] = {}  # None: it is faulty

    @property
    def names(self) -> Collection[str]:
        """Of every scenario met, also of those not wanted."""
        return self._where

    def read(self, path: Path, within: tuple[Path, ...]) -> str:
        try:
            document = load(path)
        except UsageError as error:
            self.problems.extend(error.problems)
            return path.stem
        try:
            suite = read(document, Suite)
        except UsageError as error:
            self.problems.extend(error.problems)
            self._prepare_sound(document, path)
            return path.stem
        within = (*within, _resolved(path))
        for index, included in enumerate(suite.includes):
            place = ("includes", index)
            try:
                target = find("suites", included, beside=path.parent)
            except UsageError as error:
                self.problems.append(document.problem(place, str(error)))
                continue
            message = ""
            if _resolved(target) in within:
                message = f"'{included}' includes this file: expected a suite that does not"
            elif not _exists(target):
                message = f"expected a suite file, got '{target}', which does not exist"
            elif len(within) >= DEEPEST:
                message = f"expected at most {DEEPEST} suites within each other, got more"
            if message:
                self.problems.append(document.problem(place, message))
            elif _resolved(target) not in self._read:
                self._read.add(_resolved(target))  # included by two suites, it is read once
                self.read(target, within)
        if not suite.scenarios and not suite.includes:
            self.problems.append(
                document.problem((), "expected scenarios or includes, got neither")
            )
        for index, scenario in enumerate(suite.scenarios):
            self._prepare(document, path, suite.suite, index, scenario)
        return suite.suite

    def _prepare_sound(self, document: Document, path: Path) -> None:
        """Looks also at the meaning of those scenarios of a faulty file whose form is right."""
        scenarios = document.data.get("scenarios")
        for index, raw in enumerate(scenarios if isinstance(scenarios, list) else ()):
            scenario = read_if_valid(raw, Scenario)
            if scenario is not None:
                self._prepare(document, path, path.stem, index, scenario)

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
        if self._only and name not in self._only:
            return
        strategy = self._strategy(document, path, here, scenario)
        installation = self._installation(document, path, here, scenario)
        not_run = ""
        if strategy is not None and installation is not None:
            not_run = _why_not_run(scenario, installation, strategy)
            if not_run and (scenario.pinned or not self._forced):
                self.problems.append(document.problem((*here, "mehrs"), not_run))
        if installation is not None:
            judged = strategy if not not_run else None
            checks = ScenarioChecks(document, here, scenario, installation, judged)
            found = sorted(checks.problems(), key=_place)
            self.problems.extend(found)
        overrides = self._overrides(document, here, scenario)
        if len(self.problems) == before and strategy is not None and installation is not None:
            named = with_deviants(replace(installation, name=name), scenario.deviants)
            said = replace(scenario, deviant=scenario.deviant or _deviance(scenario))
            prepared = PreparedScenario(said, suite, named, strategy, overrides, not_run)
            self.scenarios.append(prepared)

    def _strategy(
        self, document: Document, path: Path, here: tuple[str | int, ...], scenario: Scenario
    ) -> Strategy | None:
        before = len(self.problems)
        forced = Forced() if scenario.pinned else self._forced
        mehrs = scenario.mehrs or forced.mehrs or DEFAULT_MEHRS
        mam = scenario.mam or forced.mam or DEFAULT_MAM
        for key, version in (("mehrs", mehrs), ("mam", mam)):
            try:
                require(key.upper(), version)
            except UsageError as error:
                self.problems.append(document.problem((*here, key), str(error)))
        overlay = forced.overlay
        if scenario.overlay is not None:
            place = (*here, "overlay")
            try:
                overlay = find("overlays", scenario.overlay, beside=path.parent)
            except UsageError as error:
                self.problems.append(document.problem(place, str(error)))
            else:
                if not _exists(overlay):
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
        if not _exists(target):
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


def _deviance(scenario: Scenario) -> str:
    """Who misbehaves, in the words of the catalogues."""
    said = []
    if scenario.deviants:
        known = load_plugin(EMULATORS, "deviants")
        for name, deviant in scenario.deviants.items():
            said.append(f"{name}: {known[deviant].description.rstrip('.')}")
    if scenario.s1sp:
        said.append(f"the S1SP: {DEVIANT_S1SPS[scenario.s1sp].description.rstrip('.')}")
    return "; ".join(said)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a loop of links, a name too long: reading it will say so
        return path.absolute()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _why_not_run(scenario: Scenario, installation: Installation, strategy: Strategy) -> str:
    """Why the scenario makes no sense under the strategy; empty if it does."""
    try:
        require_group(strategy, installation.group)
    except UsageError as error:
        return str(error)
    known = load_strategy().rules
    lacking = [
        rule for rule in scenario.expect.rules if rule not in strategy.rules and rule in known
    ]
    if not lacking:
        return ""
    versions = f"MEHRS {strategy.mehrs.version} and MAM {strategy.mam.version}"
    return f"it expects a verdict of {', '.join(lacking)}, which {versions} do not have"


def _place(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column
