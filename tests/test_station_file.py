"""A station file: every complaint has its place, and all come at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.station import ClockSource, Reach, Station, read_station
from bench.units import HOUR

INSTALLATION = """\
station: bench-3
operator: K. Example
limits: {scenario-time: 2h, wake-ups: 10}
installation:
  group: DA
  devices:
    electricity:
      role: electricity-meter
      eui64: 70-B3-D5-1F-30-A0-77-01
      model: EM-1
      port: /dev/serial/by-id/usb-optical
      profile: ./my-meter.yaml
      security: {sua: "file:keys/sua", reader: "env:READER_KEY"}
    gas: {role: gas-meter, eui64: 70-B3-D5-1F-30-A0-77-02, model: GM-1, port: "via:hub"}
    hub:
      role: comms-hub
      eui64: 70-B3-D5-1F-30-A0-77-08
      model: CH-1
      port: socket://rack-3:4001
      profile: generic-console-hub
    display: {role: ihd, eui64: 70-B3-D5-1F-30-A0-77-09, model: IHD-1}
kit:
  relay-board:
    port: /dev/ttyUSB1
    profile: generic-modbus-relay-board
    feeds: {electricity: 1, hub: 2}
  reference-meter:
    port: /dev/ttyUSB1
    profile: generic-modbus-reference-meter
    measures: electricity
    calibration: {serial-number: "R-17", certificate: C-2026-9, due: 2027-03-31, uncertainty: 0.002}
"""


def read(folder: Path, text: str) -> Station:
    (folder / "station.yaml").write_text(text, encoding="utf-8")
    profile = Path(__file__).parent.parent / "fixtures/devices/generic-dlms-electricity.yaml"
    (folder / "my-meter.yaml").write_text(profile.read_text(encoding="utf-8"), encoding="utf-8")
    return read_station(folder / "station.yaml")


def complaints(folder: Path, text: str) -> list[str]:
    with pytest.raises(UsageError) as refusal:
        read(folder, text)
    return [str(each).removeprefix(f"{folder}/station.yaml:") for each in refusal.value.problems]


def test_a_mixed_station(tmp_path: Path) -> None:
    station = read(tmp_path, INSTALLATION)
    reaches = {
        name: station.reached(name).reach for name in ("electricity", "gas", "hub", "display")
    }
    assert reaches == {
        "electricity": Reach.REAL,
        "gas": Reach.VIA_HUB,
        "hub": Reach.REAL,
        "display": Reach.DIRECT,
    }
    assert station.real
    assert station.clock_source is ClockSource.WALL
    assert (station.limits.scenario_time, station.limits.wake_ups) == (2 * HOUR, 10)
    installed = station.installation
    assert installed is not None
    assert installed.as_installation("x", ("Alpha",)).suppliers == ("Alpha",)


def test_paths_are_taken_from_the_files_own_folder(tmp_path: Path) -> None:
    reached = read(tmp_path, INSTALLATION).reached("electricity")
    assert Path(reached.profile) == tmp_path / "my-meter.yaml"
    assert reached.security.references == {
        "sua": f"file:{tmp_path / 'keys/sua'}",
        "reader": "env:READER_KEY",
    }


# What is changed, the text at whose beginning the complaint stands, and the complaint.
CHANGED = {
    "a virtual clock": (
        ("station: bench-3\n", "station: bench-3\nclock: virtual\n"),
        "virtual",
        "clock: a port outside this program needs the wall clock: expected wall, got virtual",
    ),
    "a limit of nothing": (
        ("2h", "0s"),
        "0s",
        "limits.scenario-time: expected a duration above 0",
    ),
    "fewer than no SMS": (
        ("wake-ups: 10", "wake-ups: -1"),
        "-1",
        "limits.wake-ups: expected a whole number from 0, got -1",
    ),
    "one supplier twice": (
        ("  group: DA\n", "  group: DA\n  suppliers: [A, A]\n"),
        "[A, A]",
        "installation.suppliers: expected one supplier, two different ones (split supply), "
        "or none, got ['A', 'A']",
    ),
    "an EUI-64 cut short": (
        ("77-08", "77-8"),
        "70-B3-D5-1F-30-A0-77-8",
        "installation.devices.hub.eui64: expected an EUI-64 such as "
        "70-B3-D5-1F-30-00-A0-08, got '70-B3-D5-1F-30-A0-77-8'",
    ),
    "no such port": (
        ("socket://rack-3:4001", "sokcet://rack-3:4001"),
        "sokcet",
        "installation.devices.hub.port: expected direct:, emu:, pty:, via:hub or a port "
        "such as /dev/serial/by-id/…, hwgrep://…, socket://host:port, rfc2217://host:port, "
        "listen:host:port, labgrid:NAME, got 'sokcet://rack-3:4001'",
    ),
    "a named port without its colon": (
        ('"via:hub"', "emu"),
        "emu}",
        "installation.devices.gas.port: expected direct:, emu:, pty:, via:hub or a port "
        "such as /dev/serial/by-id/…, hwgrep://…, socket://host:port, rfc2217://host:port, "
        "listen:host:port, labgrid:NAME, got 'emu'; did you mean 'emu:'?",
    ),
    "a port without a profile": (
        ("      profile: generic-console-hub\n", ""),
        "role: comms-hub",
        "installation.devices.hub: a device on socket://rack-3:4001 needs a profile",
    ),
    "a profile that is not shipped": (
        ("generic-console-hub", "generic-console-hob"),
        "generic-console-hob",
        "installation.devices.hub.profile: no device is called 'generic-console-hob'; "
        "did you mean 'generic-console-hub'?",
    ),
    "a profile that is not there": (
        ("./my-meter.yaml", "./meter.yaml"),
        "./meter.yaml",
        "installation.devices.electricity.profile: no such file: './meter.yaml'",
    ),
    "a profile of another role": (
        ("generic-console-hub", "generic-console-ihd"),
        "generic-console-ihd",
        "installation.devices.hub.profile: expected a profile of role comms-hub, "
        "got one of role ihd",
    ),
    "a key in place of its reference": (
        ('"file:keys/sua"', '"00112233445566778899AABBCCDDEEFF"'),
        '"0011',
        "installation.devices.electricity.security.sua: expected file:PATH or env:NAME, "
        "which say where the key is, never the key itself",
    ),
    "references and test keys": (
        ("security: {", "security: {test-keys: true, "),
        "test-keys",
        "installation.devices.electricity.security.test-keys: expected test-keys alone, "
        "or references to keys, got both",
    ),
    "keys for an emulated device": (
        ("model: IHD-1}", "model: IHD-1, security: {test-keys: true}}"),
        "security: {test",
        "installation.devices.display.security: keys are shared with devices on real ports "
        "only: expected no security",
    ),
    "the hub's mirror of what it does not mirror": (
        ("model: IHD-1}", 'model: IHD-1, port: "via:hub"}'),
        '"via:hub"}\nkit',
        "installation.devices.display.port: the hub mirrors gas meters only: expected "
        "another port for role ihd",
    ),
    "two devices on one port": (
        ("socket://rack-3:4001", "/dev/serial/by-id/usb-optical"),
        "/dev/serial/by-id/usb-optical\n      profile: generic-console-hub",
        "installation.devices.hub.port: 'electricity' is on that port already",
    ),
    "a device and the relay board on one port": (
        (
            "/dev/ttyUSB1\n    profile: generic-modbus-relay",
            "socket://rack-3:4001\n    profile: generic-modbus-relay",
        ),
        "socket://rack-3:4001\n    profile: generic-modbus-relay",
        "kit.relay-board.port: 'hub' is on that port already",
    ),
    "an emulated relay board": (
        (
            "    port: /dev/ttyUSB1\n    profile: generic-modbus-relay",
            '    port: "emu:"\n    profile: generic-modbus-relay',
        ),
        '"emu:"',
        "kit.relay-board.port: bench kit is on a port outside this program: expected one, "
        "got 'emu:'",
    ),
    "a relay that feeds nobody": (
        ("feeds: {electricity: 1", "feeds: {electricty: 1"),
        "electricty",
        "kit.relay-board.feeds.electricty: expected a device of the station, "
        "got 'electricty'; did you mean 'electricity'?",
    ),
    "one channel for two": (
        ("hub: 2}", "hub: 1}"),
        "1}\n  reference",
        "kit.relay-board.feeds.hub: channel 1 feeds 'electricity' already",
    ),
    "channel 0": (
        ("hub: 2}", "hub: 0}"),
        "0}\n  reference",
        "kit.relay-board.feeds.hub: expected a channel from 1, got 0",
    ),
    "a relay in front of a battery": (
        ("hub: 2}", "gas: 2}"),
        "gas: 2}",
        "kit.relay-board.feeds.gas: a gas meter has a battery: expected no channel that feeds it",
    ),
    "what is measured is not there": (
        ("measures: electricity", "measures: electric"),
        "electric\n",
        "kit.reference-meter.measures: expected a device of the station, got 'electric'; "
        "did you mean 'electricity'?",
    ),
    "an uncertainty in per cent": (
        ("uncertainty: 0.002", "uncertainty: 20"),
        "20}",
        "kit.reference-meter.calibration.uncertainty: expected a share of the reading such "
        "as 0.002, got 20",
    ),
    "a day that does not exist": (
        ("2027-03-31", "2027-02-31"),
        "2027-02-31",
        "kit.reference-meter.calibration.due: expected a date such as 2021-04-08, got '2027-02-31'",
    ),
    "a misspelt key": (
        ("kit:\n", "kti:\n"),
        "kti",
        "kti: unknown key 'kti'; did you mean 'kit'?",
    ),
    "both forms": (
        ("operator: K. Example\n", "operator: K. Example\ndevices: {hub: {}}\n"),
        "devices: {hub",
        "devices: expected devices here or under installation, got both",
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_a_complaint(tmp_path: Path, case: str) -> None:
    (old, new), place, expected = CHANGED[case]
    text = INSTALLATION.replace(old, new, 1)
    assert text != INSTALLATION
    before = text[: text.index(place)]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert complaints(tmp_path, text) == [f"{line}:{column}: {expected}"]


def test_all_complaints_come_at_once(tmp_path: Path) -> None:
    text = INSTALLATION
    for case in ("a limit of nothing", "no such port", "channel 0"):
        (old, new), _, _ = CHANGED[case]
        text = text.replace(old, new, 1)
    paths = [each.split(": ")[1] for each in complaints(tmp_path, text)]
    assert paths == [
        "limits.scenario-time",
        "installation.devices.hub.port",
        "kit.relay-board.feeds.hub",
    ]


def test_the_form_for_any_installation_is_for_emulated_devices(tmp_path: Path) -> None:
    said = complaints(
        tmp_path,
        "station: own\n"
        "devices:\n"
        "  electricity: {port: /dev/ttyUSB0, profile: generic-dlms-electricity}\n"
        '  gas: {port: "emu:"}\n'
        '  hub: {port: "emu:", profile: generic-console-hob}\n',
    )
    assert said == [
        "3:23: devices.electricity.port: a device on /dev/ttyUSB0 needs the identity expected of "
        "it: put it under installation.devices",
        "4:8: devices.gas: a device on emu: needs a profile",
        "5:32: devices.hub.profile: no device is called 'generic-console-hob'; "
        "did you mean 'generic-console-hub'?",
    ]


def test_a_faulty_profile_complains_for_itself_once(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("profile: x\n", encoding="utf-8")
    text = INSTALLATION.replace("generic-console-hub", "./other.yaml")
    said = complaints(tmp_path, text)
    assert said
    assert all(each.startswith(f"{tmp_path}/other.yaml:1:1: ") for each in said)


def test_the_stations_of_the_document_read(tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent / "docs/stations.md").read_text(encoding="utf-8")
    blocks = [block.partition("```")[0] for block in text.split("```yaml\n")[1:]]
    stations = [read(tmp_path, block) for block in blocks if block.startswith("station:")]
    assert [station.station for station in stations] == ["bench-3", "own"]
