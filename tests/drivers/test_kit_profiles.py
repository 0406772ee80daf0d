"""Console and Modbus profiles: the shipped ones, and every complaint with its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.devices import Role
from bench.errors import UsageError
from bench.shipped import fixtures
from bench.units import SECOND
from drivers.profiles.console import OPERATIONS, TimeForm
from drivers.profiles.console_values import ConsoleValues
from drivers.profiles.modbus import ReadBack
from drivers.profiles.parts import console_part
from drivers.profiles.profile import Profile, read_profile
from tests.wire.kit_on_wire import HUB, START

SHIPPED = {
    "generic-console-hub": Role.COMMS_HUB,
    "generic-console-ihd": Role.IHD,
    "generic-modbus-relay-board": Role.RELAY_BOARD,
    "generic-modbus-reference-meter": Role.REFERENCE_METER,
}


@pytest.mark.parametrize(("name", "role"), SHIPPED.items())
def test_a_shipped_profile_is_sound_and_says_that_it_is_an_example(name: str, role: Role) -> None:
    profile = read_profile(name)
    assert (profile.profile, profile.role) == (name, role)
    assert "generic example" in profile.about
    assert profile.timing.quiet > profile.timing.reply_timeout


@pytest.mark.parametrize("name", ["generic-console-hub", "generic-console-ihd"])
def test_a_shipped_console_has_every_operation_of_its_role(name: str) -> None:
    profile = read_profile(name)
    assert profile.console is not None
    assert profile.console.commands.keys() == OPERATIONS[profile.role].keys()


def test_the_shipped_board_sees_stuck_contacts_and_feeds_without_power() -> None:
    modbus = read_profile("generic-modbus-relay-board").modbus
    assert modbus is not None
    assert modbus.relay_board is not None
    assert (modbus.relay_board.read_back, modbus.relay_board.closed_when) == (
        ReadBack.INPUTS,
        False,
    )


def changed(tmp_path: Path, name: str, old: str, new: str) -> list[str]:
    text = (fixtures() / "devices" / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError) as error:
        read_profile(str(path))
    return [str(problem).replace(str(path), "mine.yaml") for problem in error.value.problems]


HUB_FILE, BOARD_FILE, METER_FILE = (
    "generic-console-hub",
    "generic-modbus-relay-board",
    "generic-modbus-reference-meter",
)
# file, what is written instead of what, the complaint
COMPLAINTS = [
    (HUB_FILE, "send: wan wake", 'send: "wan {wake"', "wake.send: 'wan {wake': a single brace"),
    (HUB_FILE, "wake: {send", "wakeup: {send", "commands.wakeup: unknown command 'wakeup'; known:"),
    (HUB_FILE, "{seconds:int}", "{minutes:int}", "permit-join.send: expected the fields seconds"),
    (HUB_FILE, "LASTGASPS {last_gasps:int}", "GASPS", "no line has the field last_gasps"),
    (HUB_FILE, "{count:int}", "{count:number}", "unsolicited.message: 'EVENT SMS {count:number}'"),
    (HUB_FILE, "connected: UP", "linked: UP", "words.wan.linked: expected one of connected"),
    (HUB_FILE, "joined: JOINED", "joined: GONE", "words.joined: one word stands for two values"),
    (HUB_FILE, "      comms-hub: CH\n", "", "words.role: no word says that role is comms-hub"),
    (HUB_FILE, 'prompt: "hub> "', "prompt: ''", "console: expected a prompt or a done line"),
    (HUB_FILE, "send: reboot", "send: ré", "commands.reboot.send: 'ré': expected ASCII"),
    (
        HUB_FILE,
        "role: comms-hub\nf",
        "role: gas-meter\nf",
        "knows the role gas-meter",
    ),
    (HUB_FILE, "echo: true", "ecko: true", "unknown key 'ecko'"),
    (BOARD_FILE, "channels: 8", "channels: 0", "relay-board.channels: expected 1 to 64, got 0"),
    (BOARD_FILE, "unit: 1", "unit: 300", "modbus.unit: expected 1 to 247, got 300"),
    (BOARD_FILE, "first-coil: 0", "first-coil: 65535", "first-coil: expected an address from 0"),
    (BOARD_FILE, "role: relay-board", "role: reference-meter", "missing key 'reference-meter'"),
    (BOARD_FILE, "role: relay-board", "role: ihd", "no Modbus driver knows the role ihd"),
    (METER_FILE, "form: u16", "form: u17", "expected one of 'u16'"),
    (METER_FILE, "address: 3", "address: 65535", "energy.address: expected an address from 0"),
    (METER_FILE, "uncertainty: 0.002", "uncertainty: 2", "uncertainty: expected 0 to 1, got 2"),
    (METER_FILE, "baud: 9600", "baud: 9", "line: baud rate: expected 50 to 4000000"),
]


@pytest.mark.parametrize(("name", "old", "new", "says"), COMPLAINTS)
def test_every_complaint_has_its_place(
    tmp_path: Path, name: str, old: str, new: str, says: str
) -> None:
    problems = changed(tmp_path, name, old, new)
    assert any(says in problem for problem in problems), problems
    assert all(problem.startswith("mine.yaml:") for problem in problems)


def test_the_line_and_column_are_those_of_the_value(tmp_path: Path) -> None:
    problems = changed(tmp_path, BOARD_FILE, "channels: 8", "channels: 0")
    text = (fixtures() / "devices" / f"{BOARD_FILE}.yaml").read_text(encoding="utf-8")
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "channels: 8" in row)
    assert problems[0].startswith(f"mine.yaml:{line}:15: ")


def values(**of_console: object) -> ConsoleValues:
    return ConsoleValues(replace(console_part(HUB, Role.COMMS_HUB), **of_console))  # type: ignore[arg-type]


def test_times_either_way() -> None:
    for form in TimeForm:
        said = values(times=form).say_moment(START + 1)
        assert values(times=form).read_moment(said) == START + 1
        assert values(times=form).read_moment("-") is None
    assert values(times=TimeForm.UNIX_SECONDS).read_moment("1617874200") == START
    assert values().read_span("90") == 90 * SECOND


def test_an_eui64_in_whatever_writing() -> None:
    for text in ("70b3d51f3000a008", "70:B3:D5:1F:30:00:A0:08", "70-B3-D5-1F-30-00-A0-08"):
        assert values().read_eui64(text) == "70-B3-D5-1F-30-00-A0-08"


@pytest.mark.parametrize(
    ("read", "text"),
    [
        ("read_eui64", "70b3"),
        ("read_moment", "yesterday"),
        ("read_span", "soon"),
        ("read_number", "NaN"),
        ("read_number", "1e"),
    ],
)
def test_what_is_no_value_says_what_was_expected(read: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"expected .* got"):
        getattr(values(), read)(text)


def test_a_word_nobody_gave_a_meaning() -> None:
    with pytest.raises(ValueError, match="wan: expected one of UP, DOWN, got 'MAYBE'"):
        values().read_word("wan", "MAYBE")


def test_a_profile_is_plain_frozen_data() -> None:
    assert isinstance(HUB, Profile)
    assert hash(HUB.timing) == hash(read_profile(HUB_FILE).timing)
