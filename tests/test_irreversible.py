"""What cannot be undone on real kit: last, and asked for first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.clock import Cancellation
from bench.operator import Answered, Nobody, OperatorStep
from bench.shipped import find
from bench.station.fitting import fitted, irreversible_on
from bench.station.form import Security, Station, StationDevice
from bench.suite import Preconditions, Restore
from bench.suite_reading import PreparedScenario, read_suite

REAL = Station(
    "real", devices={"electricity": StationDevice("/dev/ttyUSB0", "p", Security(sua="env:X"))}
)
SIMULATED = Station(
    "simulated",
    devices={"electricity": StationDevice("/dev/ttyUSB0", "p", Security(test_keys=True))},
)


class Somebody:
    absent = ""

    def ask(self, step: OperatorStep, cancellation: Cancellation) -> Answered:
        return Answered("yes", "somebody")


def scenario(name: str, *restore: Restore, said: str = "") -> PreparedScenario:
    (found,) = read_suite(find("suites", "commissioning"), only=[name])[1]
    changed = replace(
        found.scenario, irreversible=said, preconditions=Preconditions(restore=restore)
    )
    return replace(found, scenario=changed)


@pytest.mark.parametrize(
    ("prepared", "station", "changes"),
    [
        (scenario("da-commissioned"), REAL, "it may leave electricity with a new SUA key"),
        (scenario("da-commissioned", Restore.KEYS), REAL, ""),
        (scenario("da-commissioned"), SIMULATED, ""),
        (scenario("da-commissioned"), Station("emulated"), ""),
        (scenario("ioc-commissioned"), REAL, ""),
        (scenario("ioc-commissioned", said="the seal is broken"), REAL, "the seal is broken"),
        (scenario("ioc-commissioned", said="the seal is broken"), Station("emulated"), ""),
    ],
)
def test_what_is_changed_for_good(
    prepared: PreparedScenario, station: Station, changes: str
) -> None:
    assert irreversible_on(prepared, station) == changes


def test_a_person_is_asked_first() -> None:
    held = fitted(scenario("da-commissioned"), REAL, Somebody())
    (step,) = held.scenario.operator
    assert step.ask == "This cannot be undone: it may leave electricity with a new SUA key. Go on?"
    assert step.answers == ("yes", "no")
    assert held.not_run == ""


def test_without_anybody_it_is_not_run_unless_allowed() -> None:
    prepared = scenario("da-commissioned")
    not_run = fitted(prepared, REAL, Nobody()).not_run
    assert not_run == (
        "it cannot be undone: it may leave electricity with a new SUA key; "
        "nobody is there to be asked; --yes allows it"
    )
    allowed = fitted(prepared, REAL, Nobody(), yes=True)
    assert allowed.not_run == ""
    assert allowed.scenario.operator == ()
