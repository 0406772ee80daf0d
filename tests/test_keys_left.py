"""A scenario that would ask a meter for a key that it gave away before is not run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from bench.devices import KeySlot
from bench.journal.run_journal import RunJournal
from bench.keys_left import KeysLeft
from bench.restoring import with_other_keys
from bench.scenario.ran import Ran
from bench.secret import Secret
from bench.shipped import find
from bench.suite import Preconditions, Restore
from bench.suite_reading import PreparedScenario, read_suite

OLD, NEW, OTHER = (Secret(letter * 16, "key") for letter in (b"o", b"n", b"x"))
METER = ("electricity", KeySlot.SUA)

HELD: dict[str, tuple[Mapping[str, Secret], Mapping[str, Secret], bool]] = {
    "nothing was done": ({"current": OLD}, {"current": OLD}, False),
    "rotated": ({"current": OLD}, {"current": NEW}, True),
    "in doubt": ({"current": OLD}, {"current": OLD, "staged": NEW}, True),
    "the rollback is in doubt": (
        {"current": OLD},
        {"current": NEW, "staged": OLD, "previous": OLD},
        True,
    ),
    "given back": ({"current": OLD}, {"current": OLD, "previous": NEW}, False),
    "another key, untouched": ({"current": OTHER}, {"current": OTHER}, False),
    "another key, rotated": ({"current": OTHER}, {"current": NEW}, True),
    "another key, given back": ({"current": OTHER}, {"current": OLD, "previous": OTHER}, False),
    "no key": ({}, {}, False),
}


@pytest.mark.parametrize("case", HELD)
def test_whether_the_meter_holds_another_key(case: str) -> None:
    began, ended, left = HELD[case]
    found = with_other_keys({METER: began}, {METER: ended}, {METER: OLD})
    assert found == (["electricity"] if left else [])


def scenario(name: str, *restore: Restore) -> PreparedScenario:
    (found,) = read_suite(find("suites", "commissioning"), only=["da-commissioned"])[1]
    given = replace(found.scenario, scenario=name, preconditions=Preconditions(restore=restore))
    return replace(found, scenario=given)


def spared(by: PreparedScenario, left: tuple[str, ...], begun: str = "") -> str:
    journal = SimpleNamespace(has_begun=lambda name: name == begun)
    keys = KeysLeft(cast(RunJournal, journal))
    keys.enter(cast(Ran, SimpleNamespace(prepared=by, left=left)))
    return keys.spare(scenario("second")).not_run


SAID = "its preconditions do not hold: 'first' before it left {} with another SUA key, or may have"


@pytest.mark.parametrize(
    ("by", "left", "reason"),
    [
        (scenario("first"), (), ""),
        (scenario("first"), ("of-another-installation",), ""),
        (
            scenario("first"),
            ("electricity",),
            f"{SAID.format('electricity')}: "
            "give 'first' `preconditions: {restore: [restore-keys]}`",
        ),
        (
            scenario("first", Restore.KEYS),
            ("electricity", "gas"),
            f"{SAID.format('electricity and gas')}, and could not give the first one back: "
            "see `smets1-bench keys RUN`",
        ),
    ],
)
def test_the_next_scenario_is_not_run(
    by: PreparedScenario, left: tuple[str, ...], reason: str
) -> None:
    assert spared(by, left) == reason


def test_what_was_begun_goes_on() -> None:
    assert spared(scenario("first"), ("electricity",), begun="second") == ""
