"""Every deviant and every deviant S1SP is caught for the right cause; good ones never are.

A sample: `make prove` runs every deviant through every suite (tests/deviants/table.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from bench.deviant_s1sps import DEVIANT_S1SPS
from bench.devices import Role
from bench.invariant import Invariant
from bench.mehrs.loader import load_strategy
from emulators.deviants import DEVIANTS
from tests.deviants.catching import broken_rules, complaints, findings_of, named, scenarios

SHOWING = (
    "da-commissioned",
    "ioc-commissioned",
    "da-prepayment-commissioned",
    "ioc-slow-clock-set-right",
    "da-wrong-key-held",
    "da-rotation-request-lost",
    "da-electricity-restarts-after-its-key",
    "da-hub-restarts-while-waiting",
    "da-electricity-command-taken-up-a-day-late",
    "da-gas-takes-its-key-in-the-third-passage",
    "ioc-soak",
)
"""Scenarios that between them show every deviant device."""

SHOWING_S1SPS = (
    "da-commissioned",
    "ioc-commissioning-failed",
    "da-file-set-too-late",
    "da-file-set-names-another-device",
    "ioc-smi-incident-resolved-by-dsp",
    "da-rotation-reply-lost",
    "da-rotation-exhausted-as-the-lab-knows",
)


@pytest.mark.parametrize("deviant", DEVIANTS)
def test_a_deviant_is_caught_for_what_it_does(deviant: str) -> None:
    seen: list[str] = []
    for prepared in named(SHOWING):
        for kind, sentence in findings_of(prepared, deviant):
            if kind == DEVIANTS[deviant].breaks:
                return
            seen.append(sentence)
    pytest.fail(f"{deviant}: expected {DEVIANTS[deviant].breaks}, found {seen or 'nothing'}")


@pytest.mark.parametrize("s1sp", DEVIANT_S1SPS)
def test_a_deviant_s1sp_breaks_its_rule(s1sp: str) -> None:
    seen: list[str] = []
    for prepared in named(SHOWING_S1SPS):
        broken = broken_rules(prepared, s1sp)
        if DEVIANT_S1SPS[s1sp].rule in broken:
            return
        seen += broken
    pytest.fail(f"{s1sp}: expected {DEVIANT_S1SPS[s1sp].rule} to fail, {seen or 'nothing'} did")


def test_nothing_is_found_of_good_devices() -> None:
    rng = random.Random("good")
    for prepared in rng.sample(scenarios(), 40):
        seed = rng.randrange(10**6)
        assert complaints(prepared, seed) == [], f"{prepared.scenario.scenario} --seed {seed}"


def test_every_sentence_is_one() -> None:
    for name, about in sentences():
        assert about.endswith("."), name
        assert about[0].isupper(), name
        assert about.count(". ") == 0, f"{name}: one sentence"


def sentences() -> Iterator[tuple[str, str]]:
    yield from ((name, each.description) for name, each in DEVIANTS.items())
    yield from ((name, each.description) for name, each in DEVIANT_S1SPS.items())


def test_the_catalogue_covers_every_role_and_breach() -> None:
    assert {each.role for each in DEVIANTS.values()} == {
        Role.ELECTRICITY_METER,
        Role.GAS_METER,
        Role.COMMS_HUB,
        Role.IHD,
    }
    assert {each.breaks for each in DEVIANTS.values()} == set(Invariant)
    assert {each.rule for each in DEVIANT_S1SPS.values()} <= set(load_strategy().rules)
