"""Stations: the same suite through models and through drivers, and complaints about the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.errors import ExitCode, UsageError
from bench.runner import Order, run_suite
from bench.shipped import find, names
from bench.station import DIRECT, Port, read_station


def run_over(station: str, folder: Path) -> dict[str, tuple[str, str, dict[str, dict[str, int]]]]:
    held = read_station(find("stations", station))
    order = Order(find("suites", "default"), "default", 1, station=held, station_named=station)
    record = run_suite(order, folder)
    return {s.name: (s.verdict, s.outcome, s.rules) for s in record.scenarios}


def test_the_default_suite_is_judged_alike_through_models_and_through_drivers(
    tmp_path: Path,
) -> None:
    direct = run_over("emulated-direct", tmp_path / "direct")
    emu = run_over("emulated-emu", tmp_path / "emu")
    assert direct == emu
    assert {verdict for verdict, _, _ in emu.values()} == {"pass"}


def test_a_run_through_drivers_can_be_repeated_to_the_byte(tmp_path: Path) -> None:
    traces = []
    for attempt in ("first", "second"):
        out = tmp_path / attempt
        words = ["run", "key-rotation", "--station", "emulated-emu", "--out", str(out), "--json"]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == ExitCode.PASS, done.output
        record = json.loads(done.output)
        assert record["station"] == "emulated-emu"
        assert "--station emulated-emu" in record["scenarios"][0]["replay"]
        traces.append((out / "trace.jsonl").read_bytes())
    assert traces[0] == traces[1]


@pytest.mark.parametrize("name", names("stations"))
def test_shipped_stations_read(name: str) -> None:
    station = read_station(find("stations", name))
    assert station.station == name
    assert station.about


def test_without_a_file_every_device_is_a_model() -> None:
    assert not DIRECT.devices
    assert {port.value for port in Port} == {"direct:", "emu:"}


def test_every_complaint_has_its_place_and_all_come_at_once(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        "station: own\n"
        "devices:\n"
        "  electricity: {port: /dev/ttyUSB0, profile: generic-dlms-electricity}\n"
        '  gas: {port: "emu:", profil: generic-dlms-gas}\n',
        encoding="utf-8",
    )
    with pytest.raises(UsageError) as refusal:
        read_station(file)
    said = [str(problem).removeprefix(f"{file}:") for problem in refusal.value.problems]
    assert said == [
        "3:23: devices.electricity.port: expected one of 'direct:', 'emu:', got '/dev/ttyUSB0'",
        "4:23: devices.gas.profil: unknown key 'profil'; did you mean 'profile'?",
    ]
    file.write_text(
        "station: own\n"
        "devices:\n"
        '  electricity: {port: "emu:"}\n'
        '  gas: {port: "emu:", profile: generic-dlms-gaz}\n',
        encoding="utf-8",
    )
    with pytest.raises(UsageError) as refusal:
        read_station(file)
    said = [str(problem).removeprefix(f"{file}:") for problem in refusal.value.problems]
    assert said == [
        "3:16: devices.electricity: a device on emu: needs a profile",
        "4:32: devices.gas.profile: no device is called 'generic-dlms-gaz'; "
        "did you mean 'generic-dlms-gas'?",
    ]
