"""Runs deviants, and good devices, through shipped scenarios; what was found of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from bench.conduct import breaches
from bench.conformance.checker import Checker
from bench.deviant_s1sps import DEVIANT_S1SPS
from bench.expectations import mismatches, said_of, watched_in
from bench.installation import with_deviants
from bench.order import TOLERANCE
from bench.scenario.ran import Ran
from bench.scenario.run import run_scenario
from bench.shipped import find
from bench.suite_reading import PreparedScenario, read_suite
from emulators.deviants import DEVIANTS

SUITE = "certify"


@cache
def scenarios(suite: str = SUITE) -> tuple[PreparedScenario, ...]:
    """Those in which nobody misbehaves on purpose."""
    return tuple(each for each in read_suite(find("suites", suite))[1] if not each.scenario.deviant)


def named(names: Iterable[str]) -> list[PreparedScenario]:
    by_name = {each.scenario.scenario: each for each in scenarios()}
    return [by_name[name] for name in names]


def with_deviant(prepared: PreparedScenario, deviant: str) -> tuple[PreparedScenario, str] | None:
    """The scenario with the deviant in the place of the first device of its role, and which."""
    role = DEVIANTS[deviant].role
    devices = prepared.installation.with_role(role)
    if not devices:
        return None
    name = devices[0].name
    return replace(
        prepared, installation=with_deviants(prepared.installation, {name: deviant})
    ), name


def findings(ran: Ran) -> Iterator[tuple[str, str]]:
    """Kind and sentence of every breach that the scenario does not allow."""
    assert ran.migration is not None, ran.bench_error
    watched = watched_in(ran)
    for breach in breaches(watched, ran.witnessed):
        if breach.what not in ran.prepared.scenario.expect.allows:
            yield breach.what, f"{breach.device}: {breach.what}: {said_of(breach, watched)}"


def findings_of(prepared: PreparedScenario, deviant: str, seed: int = 1) -> list[tuple[str, str]]:
    """What is found when a deviant takes part."""
    placed = with_deviant(prepared, deviant)
    return [] if placed is None else list(findings(run_scenario(placed[0], seed)))


def broken_rules(prepared: PreparedScenario, s1sp: str, seed: int = 1) -> dict[str, str]:
    """Rule → what was observed, of every rule that fails when a deviant S1SP does the migration."""
    assert s1sp in DEVIANT_S1SPS
    told = replace(prepared, scenario=replace(prepared.scenario, s1sp=s1sp))
    ran = run_scenario(told, seed)
    told_of = [finding.as_json() for finding in _judged(ran).finish().findings]
    return {each["rule"]: each["message"] for each in told_of if each["verdict"] == "failed"}


def complaints(prepared: PreparedScenario, seed: int) -> list[str]:
    """Every mismatch of a scenario in which all devices are good."""
    ran = run_scenario(prepared, seed)
    if ran.bench_error:
        return [ran.bench_error]
    verdicts = {}
    for rule, count in _judged(ran).finish().rules.items():
        counts = count.as_json()
        verdicts[rule] = next(v for v in ("failed", "inconclusive", "passed") if counts[v])
    return mismatches(ran, verdicts)


def _judged(ran: Ran) -> Checker:
    checker = Checker(ran.prepared.strategy, TOLERANCE)
    for line, event in enumerate(ran.events, 1):
        checker.feed(event, line)
    return checker
