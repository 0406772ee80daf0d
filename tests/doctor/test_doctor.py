"""`doctor`: a whole station on ptys, and each way in which it can be not ready."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.clock import WallClock
from bench.clock_evidence import Synchronisation
from bench.doctor.examining import examine
from bench.doctor.finding import Condition, Finding
from bench.doctor.machine import LEAST_FREE, Machine
from bench.hosting_plan import Wanted, plan_of
from bench.shipped import find
from bench.station import read_station
from bench.units import MILLISECOND
from drivers.transport.lock import PortLock
from emulators.hosting.host import Host

STATION = """
station: my-bench
installation:
  group: DA
  devices:
    electricity:
      {role: electricity-meter, eui64: 70-B3-D5-1F-30-00-A0-01, model: E1, firmware: "1.0",
       port: PORTS/meter, profile: meter.yaml, security: {test-keys: true}}
    gas: {role: gas-meter, eui64: 70-B3-D5-1F-30-00-A0-02, model: G1, port: "via:hub"}
    hub:
      {role: comms-hub, eui64: 70-B3-D5-1F-30-00-A0-03, model: H1, firmware: "1.0",
       port: PORTS/hub, profile: hub.yaml}
    display: {role: ihd, eui64: 70-B3-D5-1F-30-00-A0-04, model: D1}
kit:
  relay-board: {port: PORTS/rs485, profile: board.yaml, feeds: {electricity: 1, hub: 2}}
  reference-meter:
    port: PORTS/rs485
    profile: reference.yaml
    measures: electricity
    calibration: {serial-number: R1, certificate: C-7, due: 2099-01-01, uncertainty: 0.002}
"""
PROFILES = {
    "meter.yaml": "generic-dlms-electricity",
    "hub.yaml": "generic-console-hub",
    "board.yaml": "generic-modbus-relay-board",
    "reference.yaml": "generic-modbus-reference-meter",
}
WELL = Machine(
    synchronisation=lambda: Synchronisation(True, 3 * MILLISECOND), free=lambda folder: LEAST_FREE
)


@pytest.fixture(autouse=True)
def _locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The system gives a pty's number to the next one; another test run may still hold its lock.
    monkeypatch.setenv("SMETS1_BENCH_LOCK_DIR", str(tmp_path))


def written(folder: Path, *edits: tuple[str, str]) -> Path:
    """The station's file, with profiles that give up soon."""
    folder.mkdir(exist_ok=True)
    for name, shipped in PROFILES.items():
        text = find("devices", shipped).read_text(encoding="utf-8")
        for slow in ("reply-timeout: 10s", "reply-timeout: 500ms"):
            text = text.replace(slow, "reply-timeout: 1s")
        for slow in ("quiet: 12s", "quiet: 2s"):
            text = text.replace(slow, "quiet: 50ms")
        (folder / name).write_text(text.replace("reaction: 50ms", "reaction: 1ms"), "utf-8")
    text = STATION.replace("PORTS", str(folder))
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = folder / "station.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def hosted(station: Path) -> Iterator[Host]:
    """The devices of the station, each where its file says."""
    wanted = Wanted("", None, "", "da-dual-fuel", False, True, lambda: station.parent)
    plan = replace(plan_of(str(station), wanted), paced=False)
    broken: list[Exception] = []
    host = Host(plan, watcher=None, failed=broken.append)
    try:
        yield host
    finally:
        host.close()
    assert not broken


def examined(station: Path, machine: Machine = WELL) -> list[Finding]:
    held = read_station(station)
    return list(examine(held, str(station), station.parent, WallClock(), machine))


def about(found: list[Finding], subject: str) -> Finding:
    return next(finding for finding in found if finding.subject == subject)


def untouched(host: Host) -> bool:
    """Nothing was switched, and no device did anything but answer."""
    executed: Mapping[str, Mapping[str, int]] = host.executed()
    return not any(any(counts.values()) for counts in executed.values())


def test_a_station_that_is_ready(tmp_path: Path) -> None:
    station = written(tmp_path)
    with hosted(station) as host:
        found = examined(station)
        assert untouched(host)
    assert [(f.subject, str(f.condition)) for f in found] == [
        ("clock", "ok"),
        ("disk", "ok"),
        ("relay-board", "ok"),
        ("relay-board", "ok"),
        ("reference-meter", "ok"),
        ("electricity", "ok"),
        ("gas", "ok"),
        ("hub", "ok"),
        ("display", "ok"),
    ]
    assert not any(finding.next_step for finding in found)
    assert "70-B3-D5-1F-30-00-A0-01, firmware 1.0" in about(found, "electricity").detail
    assert about(found, "reference-meter").detail.startswith("measures the feed of electricity")


@pytest.mark.parametrize(
    ("right", "wrong", "device", "said"),
    [
        ("eui64: 70-B3-D5-1F-30-00-A0-03", "eui64: 70-B3-D5-1F-30-00-A0-77", "hub",
         "expected 70-B3-D5-1F-30-00-A0-77, got 70-B3-D5-1F-30-00-A0-03"),
        ("model: H1", "model: H9", "hub", "expected model H9, got H1"),
        ('model: E1, firmware: "1.0"', 'model: E1, firmware: "2.0"', "electricity",
         "expected firmware 2.0, got 1.0"),
    ],
)  # fmt: skip
def test_the_wrong_device(right: str, wrong: str, device: str, said: str, tmp_path: Path) -> None:
    station = written(tmp_path)
    with hosted(station) as host:
        found = about(examined(written(tmp_path, (right, wrong))), device)
        assert untouched(host)
    assert found.condition is Condition.WRONG_DEVICE
    assert said in found.detail
    assert "plugged in where" in found.next_step


def test_another_meter_does_not_take_this_ones_keys(tmp_path: Path) -> None:
    station = written(tmp_path)
    other = ("eui64: 70-B3-D5-1F-30-00-A0-01", "eui64: 70-B3-D5-1F-30-00-A0-77")
    with hosted(station) as host:
        found = about(examined(written(tmp_path, other)), "electricity")
        assert untouched(host)
    assert found.condition is Condition.FAULTY
    assert f"smets1-bench identify {tmp_path}/meter" in found.next_step
    assert "counts towards its lockout" in found.next_step


def test_real_kit_is_not_given_test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    station = written(tmp_path)
    monkeypatch.setattr("bench.doctor.devices.is_emulated", lambda identity: False)
    with hosted(station):
        found = about(examined(station), "electricity")
    assert found.condition is Condition.WRONG_DEVICE
    assert "expected an emulated device" in found.detail


def test_ports_that_are_not_there(tmp_path: Path) -> None:
    found = examined(written(tmp_path))
    for subject in ("relay-board", "electricity", "hub"):
        assert about(found, subject).condition is Condition.MISSING
        assert "is the adapter plugged in?" in about(found, subject).next_step
    assert about(found, "display").condition is Condition.OK


def test_nobody_answers(tmp_path: Path) -> None:
    station = written(tmp_path)
    with hosted(station):
        deaf = written(
            tmp_path,
            (f"{tmp_path}/meter", f"{tmp_path}/x"),
            (f"{tmp_path}/hub", f"{tmp_path}/meter"),
            (f"{tmp_path}/x", f"{tmp_path}/hub"),
        )
        found = examined(deaf)
    for device, port in (("electricity", "hub"), ("hub", "meter")):
        here = about(found, device)
        assert here.condition in (Condition.MISSING, Condition.FAULTY)
        assert f"{tmp_path}/{port}" in here.next_step
        assert "smets1-bench" in here.next_step


def test_a_port_that_somebody_holds(tmp_path: Path) -> None:
    station = written(tmp_path)
    with hosted(station):
        lock = PortLock(str(tmp_path / "hub"), tmp_path)
        found = examined(station)
        lock.release()
    assert about(found, "hub").condition is Condition.BUSY
    assert f"in use by process {os.getpid()}" in about(found, "hub").detail
    assert about(found, "electricity").condition is Condition.OK


def test_a_port_that_this_user_may_not_open(tmp_path: Path) -> None:
    station = written(tmp_path)
    shut = replace(WELL, openable=lambda path: path.name != "hub")
    with hosted(station):
        found = about(examined(station, shut), "hub")
    assert found.condition is Condition.FAULTY
    assert "your user may not open it" in found.detail
    assert "sudo usermod -aG" in found.next_step


KEYS = ("security: {test-keys: true}", 'security: {reader: "file:keys/reader"}')


@pytest.mark.parametrize(
    ("content", "mode", "condition", "said", "step"),
    [
        (None, 0, "faulty", "expected a file with the key", "a path is taken from the folder"),
        ("00" * 16, 0o644, "faulty", "got mode 0644", "chmod 600"),
        ("not hex", 0o600, "faulty", "expected hexadecimal digits", "mend security: reader"),
    ],
)
def test_keys_that_cannot_be_used(
    content: str | None, mode: int, condition: str, said: str, step: str, tmp_path: Path
) -> None:
    station = written(tmp_path, KEYS)
    if content is not None:
        (tmp_path / "keys").mkdir()
        (tmp_path / "keys" / "reader").write_text(content, encoding="ascii")
        (tmp_path / "keys" / "reader").chmod(mode)
    found = about(examined(station), "electricity")
    assert str(found.condition) == condition
    assert said in found.detail
    assert step in found.next_step
    assert (content or "00" * 16) not in found.detail


def test_without_the_readers_key_a_meter_is_not_asked_who_it_is(tmp_path: Path) -> None:
    with hosted(written(tmp_path)):
        found = about(
            examined(written(tmp_path, (", security: {test-keys: true}", ""))), "electricity"
        )
    assert found.condition is Condition.NOT_CHECKED
    assert "name the reader's keys" in found.next_step


def test_a_wrong_key_is_not_tried_twice(tmp_path: Path) -> None:
    both = 'security: {reader: "file:keys/k", authentication: "file:keys/k"}'
    (tmp_path / "keys").mkdir()
    key = tmp_path / "keys" / "k"
    key.write_text("AB" * 16, encoding="ascii")
    key.chmod(0o600)
    with hosted(written(tmp_path)):
        found = about(examined(written(tmp_path, (KEYS[0], both))), "electricity")
    assert found.condition is Condition.FAULTY
    assert "counts towards its lockout" in found.next_step
    assert "AB" * 16 not in json.dumps(found.as_json())


# -- kit -------------------------------------------------------------------------------------------


def test_a_channel_that_is_off(tmp_path: Path) -> None:
    station = written(tmp_path)
    with hosted(station) as host:
        host._home.board.coils[1] = True  # type: ignore[union-attr]
        host._home.board.set_channel(2, closed=False)  # type: ignore[union-attr]
        found = examined(station)
        assert host.executed()["relay-board"] == {"set_channel": 1}, "only what the test did"
    relays = [finding for finding in found if finding.subject == "relay-board"]
    assert [str(finding.condition) for finding in relays] == ["ok", "attention"]
    assert relays[1].next_step.endswith(f"smets1-bench power {station} hub on")
    assert about(found, "hub").condition is Condition.MISSING


def test_a_calibration_that_is_over(tmp_path: Path) -> None:
    station = written(tmp_path, ("due: 2099-01-01", "due: 2020-01-01"))
    with hosted(station):
        found = [f for f in examined(station) if f.subject == "reference-meter"]
    assert [str(f.condition) for f in found] == ["ok", "attention"]
    assert "certificate C-7 was due on 2020-01-01" in found[1].detail


# -- the machine -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "condition", "said"),
    [
        (Synchronisation(True, 900 * MILLISECOND), "ok", "off by 0.9 s at most"),
        (Synchronisation(True, 5_000 * MILLISECOND), "attention", "by up to 5 s"),
        (Synchronisation(False, 0), "attention", "nothing holds it in step"),
        (None, "not checked", "does not say"),
    ],
)
def test_the_clock(told: Synchronisation | None, condition: str, said: str, tmp_path: Path) -> None:
    found = about(examined(written(tmp_path), replace(WELL, synchronisation=lambda: told)), "clock")
    assert str(found.condition) == condition
    assert said in found.detail
    assert bool(found.next_step) == (condition == "attention")


def test_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    found = about(examined(written(tmp_path), replace(WELL, free=lambda folder: 7_000_000)), "disk")
    assert found.condition is Condition.ATTENTION
    assert "7 MB are free" in found.detail


# -- the command -----------------------------------------------------------------------------------


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, [str(each) for each in arguments])


def test_the_command_on_an_emulated_station() -> None:
    done = run("doctor", "emulated-emu")
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("ready\n")


def test_the_command_on_a_station_that_is_not_ready(tmp_path: Path) -> None:
    station = written(tmp_path)
    done = run("doctor", station)
    assert done.exit_code == 4
    assert f"missing       hub: {tmp_path}/hub cannot be opened" in done.stdout
    assert "              next: is the adapter plugged in?" in done.stdout
    assert done.stdout.endswith("not ready\n")
    said = json.loads(run("doctor", station, "--json").stdout)
    assert said["ready"] is False
    assert {"subject", "condition", "detail", "next-step"} == said["findings"][0].keys()


def test_a_station_file_that_is_wrong(tmp_path: Path) -> None:
    done = run("doctor", written(tmp_path, ("role: ihd", "role: idh")))
    assert done.exit_code == 2
    assert "did you mean 'ihd'?" in done.stderr
