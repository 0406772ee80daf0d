"""Without labgrid: the station file's part, what a place says it has, and the missing program."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.errors import BenchError, ExitCode, Problem, UsageError
from bench.labgrid_place import Place, PlaceRelays, port_of
from bench.labgrid_place.client import PROGRAM_VARIABLE, user
from bench.labgrid_place.resource import resources_in
from bench.safe_state.undo import ReleasePlace, from_data, to_data
from bench.station import ClockSource, read_station

STATION = """\
station: rack
installation:
  group: DA
  devices:
    electricity:
      role: electricity-meter
      eui64: 70-B3-D5-1F-30-A0-77-01
      model: EM-1
      port: labgrid:meter
      profile: generic-dlms-electricity
      security: {test-keys: true}
    gas: {role: gas-meter, eui64: 70-B3-D5-1F-30-A0-77-02, model: GM-1}
    hub: {role: comms-hub, eui64: 70-B3-D5-1F-30-A0-77-08, model: CH-1}
labgrid:
  place: rack-3
  coordinator: lab:20408
  feeds: {electricity: mains}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "station.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_station_that_is_a_place(tmp_path: Path) -> None:
    station = read_station(written(tmp_path, STATION))
    assert station.labgrid is not None
    assert (station.labgrid.place, station.labgrid.feeds) == ("rack-3", {"electricity": "mains"})
    assert (station.real, station.clock_source) == (True, ClockSource.WALL)


@pytest.mark.parametrize(
    ("was", "is_", "expected"),
    [
        ("labgrid:meter", '"labgrid:"', "port: expected labgrid:NAME, a serial resource of the"),
        (STATION[STATION.index("labgrid:\n") :], "", "port: labgrid:meter needs the place it is"),
        ("place: rack-3", "place: a/b", "labgrid.place: expected the name of a place, without"),
        ("place: rack-3", "place: '+3'", "labgrid.place: expected the name of a place, without"),
        ("lab:20408", "lab", "labgrid.coordinator: expected host:port of labgrid's coordinator"),
        ("lab:20408", "lab:70000", "labgrid.coordinator: expected host:port of labgrid's"),
        ("{electricity: m", "{gas: m", "labgrid.feeds.gas: a gas meter has a battery"),
        ("{electricity: m", "{hob: m", "labgrid.feeds.hob: expected a device of the station, got"),
        (
            "labgrid:\n",
            "kit: {relay-board: {port: /dev/x, profile: generic-modbus-relay-board}}\nlabgrid:\n",
            "labgrid.feeds: expected labgrid's power or a relay board, got both",
        ),
    ],
)
def test_a_complaint(tmp_path: Path, was: str, is_: str, expected: str) -> None:
    path = written(tmp_path, STATION.replace(was, is_))
    with pytest.raises(UsageError) as refused:
        read_station(path)
    (problem,) = refused.value.problems
    assert isinstance(problem, Problem)
    assert expected in f"{problem.path}: {problem.message}"
    assert problem.line > 0


ENVIRONMENT = """\
targets:
  rack-3:
    resources:
    - NetworkSerialPort: {port: 4002, host: lab}
    - NetworkSerialPort: {name: raw, protocol: raw, port: 4001, host: '2001:db8::1', speed: 9600}
    - NetworkSerialPort: {name: idle, port: null, host: lab}
    - NetworkSerialPort: {name: odd, port: 1, host: lab, protocol: telnet}
    - NetworkSerialPort: {name: twice, port: 1, host: lab}
    - NetworkSerialPort: {name: twice, port: 2, host: lab}
    - NetworkPowerPort: {name: mains, model: simplerest, index: 0, host: lab}
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [("NetworkSerialPort", "rfc2217://lab:4002"), ("raw", "socket://[2001:db8::1]:4001")],
)
def test_the_port_of_a_serial_resource(name: str, expected: str) -> None:
    assert port_of(resources_in(ENVIRONMENT), name, "rack-3") == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("idle", "cannot be reached: expected a host, a port and rfc2217 or raw, got lab, None"),
        ("odd", "got lab, 1 and telnet"),
        ("twice", "more than one serial port called 'twice'"),
        ("mains", "no serial port called 'mains'; it has NetworkSerialPort, raw, idle, odd"),
    ],
)
def test_a_serial_resource_that_cannot_be_used(name: str, expected: str) -> None:
    with pytest.raises(BenchError) as refused:
        port_of(resources_in(ENVIRONMENT), name, "rack-3")
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    "said", ["", "nothing", "targets: {}", "targets: {a: {resources: [1]}}", "["]
)
def test_what_is_no_environment(said: str) -> None:
    with pytest.raises(ValueError, match="not an environment of labgrid"):
        resources_in(said)


def test_a_place_s_relays_are_named_by_their_port() -> None:
    relays = PlaceRelays(Place("[::1]:20408", "rack 3/x"), ["mains a", "b/c"])
    assert relays.port == "labgrid://[::1]:20408/rack%203%2Fx/mains%20a/b%2Fc"
    again = PlaceRelays.at(relays.port)
    assert (again.port, again.place) == (relays.port, relays.place)


def test_another_process_can_be_told_to_release_it() -> None:
    undo = ReleasePlace("lab:20408", "rack-3")
    assert from_data(to_data(undo)) == undo


def test_the_bench_is_a_user_of_its_own() -> None:
    assert user({"LG_HOSTNAME": "rig", "LG_USERNAME": "kim"}) == "rig/smets1-bench.kim"


def test_without_labgrid_a_run_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROGRAM_VARIABLE, str(tmp_path / "labgrid-client"))
    monkeypatch.setenv("SMETS1_BENCH_LOCK_DIR", str(tmp_path))
    station = written(tmp_path, STATION)
    words = ["run", "--station", str(station), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == ExitCode.USAGE
    assert "labgrid-client is not installed" in done.stderr
    assert f"name its labgrid-client in {PROGRAM_VARIABLE}" in done.stderr
