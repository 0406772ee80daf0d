"""Every deviant and every deviant S1SP is caught for the right cause; good ones never are.

A sample: `make prove` runs every deviant through every suite (tests/deviants/table.py).
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.deviant_s1sps import DEVIANT_S1SPS
from bench.devices import Role
from bench.invariant import Invariant
from bench.mehrs.loader import load_strategy
from emulators.deviants import DEVIANTS
from tests.deviants.catching import broken_rules, complaints, findings_of, named, scenarios
from tests.deviants.doc import TARGET, make

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


def test_the_document_is_current() -> None:
    assert TARGET.read_text(encoding="utf-8") == make(), "run: make docs"


def test_the_shipped_deviants_are_caught_and_stay_off_the_certificate(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", "deviants", "--out", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert len(record["caught"]) == len(record["scenarios"])
    caught = dict(map(tuple, record["caught"]))
    assert caught["deviant-drifts"] == (
        "electricity: Its clock gains 18 seconds an hour: electricity clock-off"
    )
    assert "3.1-long-interval failed" in caught["deviant-s1sp-retries-too-early"]


def test_a_station_with_a_deviant_fails_the_suite(tmp_path: Path) -> None:
    station = tmp_path / "s.yaml"
    station.write_text("station: s\ndevices:\n  electricity: {deviant: drifts-its-clock}\n")
    words = ["run", "certify", "--scenario", "ioc-commissioned", "--station", str(station)]
    result = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 1, result.output
    (scenario,) = json.loads(result.stdout)["scenarios"]
    (said,) = scenario["mismatches"]
    assert said.startswith("electricity: expected its clock to keep time, got clock-off: it was")
    assert ", in " in said


@pytest.mark.parametrize("station", ["emulated-direct", "emulated-emu"])
def test_a_right_proof_that_is_denied_is_found_on_a_line_too(tmp_path: Path, station: str) -> None:
    suite = tmp_path / "denies.yaml"
    suite.write_text(
        """
suite: denies
scenarios:
  - scenario: denies
    about: every second proof of a key that the meter holds is denied
    installation: da-dual-fuel
    deviants: {electricity: denies-every-second-proof}
    expect: {outcome: commissioned, found: {electricity: [key-denied]}}
""",
        encoding="utf-8",
    )
    words = ["run", str(suite), "--station", station, "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output


def test_a_deviant_that_does_not_exist_is_complained_of(tmp_path: Path) -> None:
    station = tmp_path / "s.yaml"
    station.write_text("station: s\ndevices:\n  electricity: {deviant: drifts-its-clok}\n")
    result = CliRunner().invoke(main, ["run", "soak", "--station", str(station)])
    assert result.exit_code == 2
    assert (
        "no deviant is called 'drifts-its-clok'; did you mean 'drifts-its-clock'?" in result.stderr
    )
    words = ["emulate", "gas-meter", "--deviant", "drifts-its-clock"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert (
        "drifts-its-clock is a deviant electricity-meter, and 'gas' is a gas-meter" in result.stderr
    )
