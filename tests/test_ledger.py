"""The ledger of a station: what it counts, what it refuses, and what it says of a broken file."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.devices import KeySlot
from bench.effects import Act
from bench.emulation import DeviceTruth, KeyTruth
from bench.errors import BenchError, NoReply, Refused, UsageError
from bench.ledger import Entry, Ledger, beside, read_ledger
from bench.ledger_keeping import spared, within_budget
from bench.secret import Secret
from bench.shipped import find
from bench.station.form import Budgets, Limits, Security, Station, StationDevice
from bench.suite_reading import read_suite

EUI64 = "70-B3-D5-1F-30-A0-30-01"
KEY = Secret(b"\x61" * 16, "a key")
DARK = DeviceTruth(keys={})


def act(operation: str, answer: object, *given: Any) -> Act:
    return Act(1, 0, "electricity", operation, "", "said", given, answer)


def proof(answer: object) -> Act:
    return act("prove_key", answer, KeySlot.SUA, KEY)


@pytest.mark.parametrize(
    ("acts", "entry"),
    [
        ([proof(False)], Entry("electricity", wrong_keys=1)),
        (
            [proof(False), proof(NoReply("electricity", "prove_key"))],
            Entry("electricity", wrong_keys=2),
        ),
        ([proof(False), proof(True)], Entry("electricity", KEY.check_value)),
        ([proof(Refused("electricity", "prove_key", code="locked-out"))], Entry("electricity")),
        (
            [
                act("rotate_key", None, KeySlot.SUA, KEY, 7),
                act("rotate_key", None, KeySlot.SUA, KEY, 5),
            ],
            Entry("electricity", counter=7, rotations=2),
        ),
        ([act("wake", None), act("wake", None)], Entry("electricity", wake_ups=2)),
    ],
)
def test_what_is_counted(tmp_path: Path, acts: list[Act], entry: Entry) -> None:
    ledger = Ledger(tmp_path / "ledger.json")
    ledger.add("electricity", EUI64, acts, DARK, "today")
    assert ledger.entries[EUI64] == replace(entry, scenarios=1, updated="today")


def test_it_carries_over_runs_without_any_key(tmp_path: Path) -> None:
    path = beside(tmp_path / "bench-4.yaml")
    assert path.name == "bench-4.ledger.json"
    ledger = read_ledger(path)
    ledger.add("electricity", EUI64, [proof(False)], DARK, "today")
    ledger.write()
    held = DeviceTruth(keys={KeySlot.SUA: KeyTruth(2, KEY.check_value)})
    again = read_ledger(path)
    assert again.entries[EUI64].wrong_keys == 1
    again.add("electricity", EUI64, [], held, "tomorrow")
    again.write()
    last = read_ledger(path).entries[EUI64]
    assert last == Entry("electricity", KEY.check_value, scenarios=2, updated="tomorrow")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KEY.reveal().hex() not in path.read_text()


def test_what_was_stopped_and_taken_up_is_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "bench.ledger.json"
    ledger = Ledger(path, {EUI64: Entry("electricity", wake_ups=5)})
    ledger.begin("runs/1/a", [EUI64, "new"], again=False)
    ledger.add("electricity", EUI64, [act("wake", None)], DARK, "today")
    ledger.add("gas", "new", [proof(False)], DARK, "today")
    ledger.write()
    other = read_ledger(path)
    assert other.entries[EUI64].wake_ups == 6
    other.begin("runs/2/a", [EUI64], again=True)
    assert other.entries[EUI64].wake_ups == 6, "of another run's nothing is known"
    again = read_ledger(path)
    again.begin("runs/1/a", [EUI64, "new"], again=True)
    assert again.entries == {EUI64: Entry("electricity", wake_ups=5)}
    again.add("electricity", EUI64, [act("wake", None)] * 2, DARK, "tomorrow")
    assert again.entries[EUI64].wake_ups == 7


def test_the_key_it_was_given_back_is_the_one_it_holds(tmp_path: Path) -> None:
    held = DeviceTruth(keys={KeySlot.SUA: KeyTruth(2, "NEW123")})
    ledger = Ledger(tmp_path / "ledger.json")
    back = [act("rotate_key", None, KeySlot.SUA, KEY, 8), proof(True)]
    ledger.add("electricity", EUI64, [], held, "today", back)
    assert ledger.entries[EUI64].key == KEY.check_value
    assert ledger.entries[EUI64].counter == 8


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Expecting value"),
        ("[]", "expected format 1"),
        ('{"format": 2}', "expected format 1"),
        ('{"format": 1}', "expected devices by EUI-64"),
        ('{"format": 1, "devices": {"A": 1}}', "A: expected name, key, counter"),
        ('{"format": 1, "devices": {}, "open": {"scenario": 1}}', "open: expected a scenario"),
        (
            '{"format": 1, "devices": {"A": {"name": "e", "key": "", "counter": "7", '
            '"rotations": 0, "wrong_keys": 0, "wake_ups": 0, "scenarios": 1, "updated": ""}}}',
            "A: counter: got '7'",
        ),
    ],
)
def test_a_broken_one_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bench.ledger.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="no ledger of this bench") as refused:
        read_ledger(path)
    assert says in str(refused.value)
    assert "move it away" in (refused.value.hint or "")


def test_a_folder_that_cannot_be_written_is_the_bench_s_fault(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="cannot be written"):
        Ledger(tmp_path / "gone" / "bench.ledger.json").write()


def test_a_meter_near_its_lockout_is_spared(tmp_path: Path) -> None:
    (prepared,) = read_suite(find("suites", "commissioning"), only=["da-commissioned"])[1]
    ledger = Ledger(tmp_path / "x", {EUI64: Entry("electricity", wrong_keys=2)})
    real = StationDevice("/dev/serial/by-id/usb-1", "p", Security(sua="env:X"))
    eui64 = prepared.installation.meters[0].eui64
    ledger.entries[eui64] = ledger.entries.pop(EUI64)
    held = spared(prepared, Station("s", devices={"electricity": real}), ledger)
    assert held.not_run.startswith("'electricity' may have counted 2 wrong keys since it last")
    assert spared(prepared, Station("s"), ledger).not_run == "", "an emulated one begins anew"
    lenient = Station("s", devices={"electricity": real}, budgets=Budgets(wrong_keys=3))
    assert spared(prepared, lenient, ledger).not_run == ""


@pytest.mark.parametrize(
    ("spent", "budget", "limit", "not_run", "left"),
    [
        (12, None, None, "", None),
        (12, 13, None, "", 1),
        (12, 40, 10, "", 10),
        (12, 12, None, "was sent 12 wake-up SMS over all runs, and the station's budget is 12", 0),
    ],
)
def test_the_sms_of_all_runs_have_a_budget(
    tmp_path: Path, spent: int, budget: int | None, limit: int | None, not_run: str, left: int
) -> None:
    (prepared,) = read_suite(find("suites", "commissioning"), only=["ioc-commissioned"])[1]
    hub = prepared.installation.hub
    ledger = Ledger(tmp_path / "x", {hub.eui64: Entry(hub.name, wake_ups=spent)})
    station = Station(
        "s",
        devices={hub.name: StationDevice("/dev/serial/by-id/usb-2", "p")},
        limits=Limits(wake_ups=limit),
        budgets=Budgets(wake_ups=budget),
    )
    said = spared(prepared, station, ledger).not_run
    assert not_run in said
    assert bool(said) is bool(not_run)
    assert within_budget(station, prepared, ledger).limits.wake_ups == left
    assert within_budget(Station("s"), prepared, ledger) == Station("s")


def test_nobody_waits_for_a_pipe_in_its_place(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "bench.ledger.json")
    with pytest.raises(UsageError, match="expected a file, got a pipe"):
        read_ledger(tmp_path / "bench.ledger.json")
