"""Runs single scenarios of shipped or made-up suites and judges them, as the runner does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from bench.conformance.checker import Checker
from bench.emulation import PartyBehaviours, Truth
from bench.installation import Installation
from bench.installation_file import read_installation
from bench.mehrs.loader import load_strategy
from bench.mehrs.strategy import Strategy
from bench.migration.process import Migration
from bench.order import TOLERANCE
from bench.parties import Holder
from bench.scenario.ran import Ran
from bench.scenario.run import run_scenario
from bench.shipped import find
from bench.suite import Expectation, FaultEntry, Outcome, Preconditions, Scenario
from bench.suite_reading import PreparedScenario
from bench.trace import Event, to_json


@cache
def shipped_installation(name: str) -> Installation:
    return read_installation(find("installations", name))


@cache
def shipped_strategy(mehrs: str, mam: str, overlay: str | None) -> Strategy:
    return load_strategy(mehrs, mam, None if overlay is None else find("overlays", overlay))


@dataclass(frozen=True)
class Told:
    """One run: what it left behind, its trace as lines, and the checker's verdict per rule."""

    ran: Ran
    lines: list[str]
    rules: dict[str, str]

    def events(self, kind: type[Event], **wanted: object) -> list[Any]:
        return [
            event
            for event in self.ran.events
            if isinstance(event, kind)
            and all(getattr(event, name) == value for name, value in wanted.items())
        ]

    @property
    def migration(self) -> Migration:
        assert self.ran.migration is not None, self.ran.bench_error
        return self.ran.migration

    @property
    def outcome(self) -> str:
        return self.migration.outcome

    @property
    def truth(self) -> Truth:
        """What is really so at the end."""
        assert self.ran.after is not None
        return self.ran.after

    @property
    def account(self) -> Holder:
        return self.truth.account


def judge(ran: Ran) -> dict[str, str]:
    checker = Checker(ran.prepared.strategy, TOLERANCE)
    for line, event in enumerate(ran.events, 1):
        checker.feed(event, line)
    judgement = checker.finish()
    verdicts = ("failed", "inconclusive", "passed")
    counts = {rule: count.as_json() for rule, count in judgement.rules.items()}
    return {rule: next(v for v in verdicts if count[v]) for rule, count in counts.items()}


def prepare(
    installation: str = "da-dual-fuel",
    *,
    faults: tuple[FaultEntry, ...] = (),
    parties: PartyBehaviours | None = None,
    defaults: Mapping[str, int] | None = None,
    preconditions: Preconditions | None = None,
    mehrs: str = "5.0",
    mam: str = "4.0",
    overlay: str | None = None,
    suppliers: tuple[str, ...] | None = None,
) -> PreparedScenario:
    scenario = Scenario(
        scenario="I-1",
        about="made up by a test",
        installation=installation,
        expect=Expectation(Outcome.COMMISSIONED),
        faults=faults,
        parties=parties or PartyBehaviours(),
        preconditions=preconditions or Preconditions(),
    )
    kit = replace(shipped_installation(installation), name="I-1")
    if suppliers is not None:
        kit = replace(kit, suppliers=suppliers)
    strategy = shipped_strategy(mehrs, mam, overlay)
    return PreparedScenario(scenario, "test", kit, strategy, defaults or {})


def tell(prepared: PreparedScenario, seed: int = 1) -> Told:
    ran = run_scenario(prepared, seed)
    return Told(ran, [to_json(event) for event in ran.events], judge(ran))


@pytest.fixture(scope="session")
def run() -> Callable[..., Told]:
    """`run("da-dual-fuel", faults=…)` runs a made-up scenario in its own world."""

    def run(installation: str = "da-dual-fuel", *, seed: int = 1, **wanted: Any) -> Told:
        return tell(prepare(installation, **wanted), seed)

    return run
