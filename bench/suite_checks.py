"""What a scenario names must exist: rules, sections, devices, faults, suppliers, topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bench.bench_faults import bench_fault_problems, is_bench_fault
from bench.deviant_s1sps import DEVIANT_S1SPS
from bench.emulation import FaultSpec, PartyBehaviours
from bench.errors import Problem
from bench.installation import Installation
from bench.mehrs.loader import load_strategy
from bench.mehrs.strategy import Strategy
from bench.migration.sections import PROCESS
from bench.plugins import DRIVERS, EMULATORS
from bench.plugins import load as load_plugin
from bench.spelling import did_you_mean
from bench.suite import RETRY_SECTIONS, TOPICS, RuleVerdict, Scenario
from bench.units import parse_instant
from bench.yaml_source import Document

LONGEST_NAME: Final = 120
MOST: Final = 1000
LATEST_START: Final = parse_instant("2999-12-31T00:00:00Z")


def party_bound_problems(parties: PartyBehaviours) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where in `parties` a count is what no run needs, and what was expected."""
    for path, number in (
        (("mcc", "weeks"), parties.mcc.weeks),
        (("mcc", "rejects"), parties.mcc.rejects),
        (("requesting-party", "repeats"), parties.requesting_party.repeats),
        (("dsp", "smi-failures"), parties.dsp.smi_failures),
    ):
        if number is not None and not 0 <= number <= MOST:
            yield path, f"expected a whole number from 0 to {MOST}, got {number}"


@dataclass(frozen=True, slots=True)
class ScenarioChecks:
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
        yield from self._known("expect", "supply", expect.supply, meters, "meter")
        yield from self._known(
            "expect", "attempts", expect.attempts, list(RETRY_SECTIONS), "retry section"
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
        yield from self._bound_problems()
        yield from self._topic_problems()
        yield from self._deviant_problems()
        yield from self._fault_problems()
        yield from self._operator_problems()

    def _bound_problems(self) -> Iterator[Problem]:
        """What no run needs, and what would only exhaust the machine."""
        scenario = self.scenario
        if len(scenario.scenario) > LONGEST_NAME:
            message = f"expected a name of at most {LONGEST_NAME} characters"
            yield self.document.problem((*self.here, "scenario"), message)
        if not 0 <= scenario.start <= LATEST_START:
            message = "expected a time from 1970 to 2999"
            yield self.document.problem((*self.here, "start"), message)
        for path, message in party_bound_problems(scenario.parties):
            yield self.document.problem((*self.here, "parties", *path), message)

    def _topic_problems(self) -> Iterator[Problem]:
        stages = (stage for stages in PROCESS.values() for stage in stages)
        known = [
            "MAM",
            "2.6.5",
            *RETRY_SECTIONS,
            *dict.fromkeys(stage.section for stage in stages),
            *load_strategy().rules,
            *TOPICS,
        ]
        for index, topic in enumerate(self.scenario.covers):
            if topic not in known:
                near = did_you_mean(topic, known) or f"; or one of {', '.join(TOPICS)}"
                message = f"expected a section, a rule or a topic, got '{topic}'{near}"
                yield self.document.problem((*self.here, "covers", index), message)

    def _deviant_problems(self) -> Iterator[Problem]:
        scenario, expect = self.scenario, self.scenario.expect
        by_name = {device.name: device for device in self.installation.devices}
        problem_of = load_plugin(EMULATORS, "deviant-problem") if scenario.deviants else None
        for name, deviant in scenario.deviants.items():
            if problem_of is not None and name in by_name:
                problem = problem_of(deviant, by_name[name])
                if problem:
                    yield self.document.problem((*self.here, "deviants", name), problem)
        yield from self._known("", "deviants", scenario.deviants, list(by_name), "device")
        yield from self._known("expect", "found", expect.found, list(by_name), "device")
        if scenario.s1sp and scenario.s1sp not in DEVIANT_S1SPS:
            near = did_you_mean(scenario.s1sp, DEVIANT_S1SPS)
            near = near or "; smets1-bench list s1sps names them all"
            message = f"no deviant S1SP is called '{scenario.s1sp}'{near}"
            yield self.document.problem((*self.here, "s1sp"), message)
        place = next((key for key in ("deviant", "deviants", "s1sp") if getattr(scenario, key)), "")
        caught = (RuleVerdict.FAILED, RuleVerdict.INCONCLUSIVE)
        is_caught = any(verdict in caught for verdict in expect.rules.values())
        is_caught = is_caught or bool(expect.found or expect.bench_error)
        if place and not is_caught:
            message = (
                "a deviant scenario says what catches it: expected a rule to be failed, "
                "what is found of a device, or the bench's own error"
            )
            yield self.document.problem((*self.here, place), message, at_key=True)

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
                path = (*self.here, *filter(None, (outer, inner)), name)
                yield self.document.problem(path, message, at_key=True)

    def _fault_problems(self) -> Iterator[Problem]:
        problems_of: Callable[[FaultSpec, Installation], list[str]]
        problems_of = load_plugin(EMULATORS, "fault-problems")
        known = load_plugin(EMULATORS, "faults")
        for index, entry in enumerate(self.scenario.faults):
            path = (*self.here, "faults", index)
            if is_bench_fault(entry.fault):
                names = [device.name for device in self.installation.devices]
                problems = bench_fault_problems(entry.spec, names)
            elif entry.fault not in known and entry.fault in load_plugin(DRIVERS, "pipe-faults"):
                problems = self._pipe_fault_problems(entry.spec)
            else:
                problems = problems_of(entry.spec, self.installation)
            for problem in problems:
                yield self.document.problem(path, problem)

    def _pipe_fault_problems(self, spec: FaultSpec) -> list[str]:
        """What it may do on its line depends on the station; the target is a device."""
        problems: list[str] = load_plugin(DRIVERS, "lines").fault_problems(spec)
        devices = [device.name for device in self.installation.devices]
        if spec.target not in devices:
            near = did_you_mean(spec.target, devices) or f"; there are {', '.join(devices)}"
            problems.append(f"{spec.fault} strikes a device's line, got '{spec.target}'{near}")
        return problems

    def _operator_problems(self) -> Iterator[Problem]:
        for index, step in enumerate(self.scenario.operator):
            path = (*self.here, "operator", index)
            if not step.ask.strip():
                yield self.document.problem((*path, "ask"), "expected a sentence, got nothing")
            apart = len(set(map(str.casefold, step.answers))) == len(step.answers) > 0
            if not apart or not all(answer.strip() for answer in step.answers):
                message = "expected answers that can be told apart, the one that is needed first"
                yield self.document.problem((*path, "answers"), message)
            if step.within <= 0:
                message = "expected a duration above 0"
                yield self.document.problem((*path, "within"), message)
