"""An installation file: what it means, and every complaint with its place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bench.devices import PaymentMode, Role
from bench.errors import UsageError
from bench.installation_file import read_installation
from bench.parties import Group
from bench.shipped import find, names
from bench.units import MINUTE

KIT = """\
installation: kit
group: DA
suppliers: [Northern Energy]
devices:
  electricity:
    role: electricity-meter
    serial-number: EA1
    eui64: 70-B3-D5-1F-30-A0-99-01
    manufacturer: Example Metering
    model: EM-1
    firmware: EM 4.02
  hub:
    role: comms-hub
    serial-number: "0012"
    eui64: 70-B3-D5-1F-30-A0-99-08
    manufacturer: Example Metering
    model: CH-1
    firmware: "7.30"
"""
ONE = "expected one supplier, or two different ones (split supply), got "

CASES: list[tuple[str, str, str, list[str]]] = [
    ("no supplier", "[Northern Energy]", "[]", [f"3:12: suppliers: {ONE}[]"]),
    ("the same twice", "[Northern Energy]", "[A, A]", [f"3:12: suppliers: {ONE}['A', 'A']"]),
    ("three", "[Northern Energy]", "[A, B, C]", [f"3:12: suppliers: {ONE}['A', 'B', 'C']"]),
    (
        "unknown group",
        "group: DA",
        "group: D",
        ["2:8: group: expected one of 'IOC', 'MDS', 'DA', 'EA', got 'D'; did you mean 'DA'?"],
    ),
    (
        "a device's name",
        "  hub:",
        "  Hub 1:",
        [
            "12:3: devices['Hub 1']: expected a name of small letters, digits and hyphens, got "
            "'Hub 1'"
        ],
    ),
    (
        "small letters in an EUI-64",
        "30-A0-99-08",
        "30-a0-99-08",
        [
            "15:12: devices.hub.eui64: expected an EUI-64 such as 70-B3-D5-1F-30-00-A0-08, got "
            "'70-B3-D5-1F-30-a0-99-08'"
        ],
    ),
    (
        "an EUI-64 of two devices",
        "30-A0-99-08",
        "30-A0-99-01",
        [
            "15:12: devices.hub.eui64: EUI-64 70-B3-D5-1F-30-A0-99-01 is already that of "
            "'electricity'"
        ],
    ),
    (
        "two hubs",
        "electricity-meter",
        "comms-hub",
        [
            "5:3: devices: expected 1 device(s) of role electricity-meter, got 0",
            "5:3: devices: expected 1 device(s) of role comms-hub, got 2",
        ],
    ),
    (
        "bench kit",
        "role: electricity-meter",
        "role: relay-board",
        [
            "5:3: devices: expected 1 device(s) of role electricity-meter, got 0",
            "5:3: devices: expected 0 device(s) of role relay-board, got 1",
        ],
    ),
    (
        "an unknown role",
        "comms-hub",
        "comm-hub",
        [
            "13:11: devices.hub.role: expected one of 'electricity-meter', 'gas-meter', "
            "'comms-hub', 'ihd', 'relay-board', 'reference-meter', got 'comm-hub'; did you mean "
            "'comms-hub'?"
        ],
    ),
    (
        "numbers that should be text",
        '"7.30"',
        "7.30",
        ['18:15: devices.hub.firmware: expected text, got 7.30; quote it: "7.30"'],
    ),
    (
        "a serial number that YAML would turn into another",
        '"0012"',
        "0012",
        [
            "14:20: devices.hub.serial-number: '0012' can be read as a number in more than one "
            'way; if it is text, quote it: "0012"; if a number, write plain digits'
        ],
    ),
    (
        "an unknown key",
        "    model: CH-1\n",
        "    modle: CH-1\n",
        [
            "13:5: devices.hub: missing key 'model'; is it 'modle'?",
            "17:5: devices.hub.modle: unknown key 'modle'; did you mean 'model'?",
        ],
    ),
    (
        "what no device can be",
        '    firmware: "7.30"\n',
        '    firmware: "7.30"\n    emulation:\n      wakes-every: 0s\n      awake-for: 0s\n'
        "      reply-timeout: 0s\n      lockout-after: 0\n      load-w: -1\n"
        "      first-register: -0.5\n",
        [
            "20:20: devices.hub.emulation.wakes-every: expected a duration above 0, got '0s'",
            "21:18: devices.hub.emulation.awake-for: expected a duration above 0, got '0s'",
            "22:22: devices.hub.emulation.reply-timeout: expected a duration above 0, got '0s'",
            "23:22: devices.hub.emulation.lockout-after: expected a whole number from 1, got 0",
            "24:15: devices.hub.emulation.load-w: expected a whole number from 0, got -1",
            "25:23: devices.hub.emulation.first-register: expected a number from 0, got -0.5",
        ],
    ),
    (
        "wrong durations",
        '    firmware: "7.30"\n',
        '    firmware: "7.30"\n    emulation: {wakes-every: 30, reaction: 5 min, awake-for: -1s}\n',
        [
            f"19:{column}: devices.hub.emulation.{key}: expected a duration: a whole number and a "
            f"unit (s, min, h, d), such as 30min, got {got}"
            for column, key, got in (
                (30, "wakes-every", "30"),
                (44, "reaction", "'5 min'"),
                (62, "awake-for", "'-1s'"),
            )
        ],
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "complaints"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_faulty_file(tmp_path: Path, old: str, new: str, complaints: list[str]) -> None:
    assert KIT.count(old) == 1, "the case changes one place"
    file = tmp_path / "kit.yaml"
    file.write_text(KIT.replace(old, new))
    with pytest.raises(UsageError) as caught:
        read_installation(file)
    shown = [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]
    assert shown == complaints


def test_everything_is_read(tmp_path: Path) -> None:
    file = tmp_path / "kit.yaml"
    file.write_text(
        f"payment: prepayment\nabout: a test's\n{KIT}"
        "    emulation: {drift-ppm: -3, wakes-every: 20min, balance: 7.25, wan-sleeps: true,\n"
        "      first-register: '0.001'}\n"
    )
    kit = read_installation(file)
    assert (kit.name, kit.group, kit.payment) == ("kit", Group.DA, PaymentMode.PREPAYMENT)
    assert (kit.suppliers, kit.split) == (("Northern Energy",), False)
    assert [device.name for device in kit.devices] == ["electricity", "hub"]
    assert (kit.hub.serial_number, kit.hub.firmware) == ("0012", "7.30"), "as they were written"
    how = kit.hub.emulation
    assert (how.drift_ppm, how.wakes_every, how.wan_sleeps) == (-3, 20 * MINUTE, True)
    assert (how.balance, how.first_register) == (Decimal("7.25"), Decimal("0.001"))
    assert kit.meters[0].emulation.drift_ppm == 12, "what is left out has its default"
    assert kit.meters[0].listed.role is Role.ELECTRICITY_METER


@pytest.mark.parametrize("name", names("installations"))
def test_shipped_installations(name: str) -> None:
    kit = read_installation(find("installations", name))
    assert kit.name == name
    assert name.startswith(kit.group.lower())
    assert kit.split == ("split" in name)
    assert (kit.payment is PaymentMode.PREPAYMENT) == ("prepayment" in name)
    assert bool(kit.with_role(Role.GAS_METER)) == ("electricity-only" not in name)


def test_no_two_shipped_devices_share_an_eui64() -> None:
    seen: dict[str, str] = {}
    for name in names("installations"):
        for device in read_installation(find("installations", name)).devices:
            other = seen.setdefault(device.eui64, name)
            assert other == name, f"{device.eui64} stands in {other} and {name}"
