"""`profile check`: what a device confirms and contradicts, each at its line of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.shipped import find
from bench.yaml_source import loads
from drivers.capture.decoding import decode
from drivers.capture.messages import Message
from drivers.codecs.hdlc import FrameKind, FrameReader, HdlcAddress
from drivers.confirmation.ledger import Ledger, Line, Standing
from drivers.confirmation.tools import Checked, as_json, hold_against, report
from drivers.identification.asking import CountedTransport
from drivers.profiles.profile import Profile, read_profile
from tests.identify.ports import OPEN, Port
from tests.wire.kit_on_wire import home

CONFIRMED, CONTRADICTED, NOT_CHECKED = Standing
SHIPPED = (
    "generic-dlms-electricity",
    "generic-console-hub",
    "generic-console-ihd",
    "generic-modbus-relay-board",
    "generic-modbus-reference-meter",
)
READER = 'reader: {address: 32, security: hls-gmac, counter: "0.0.43.1.0.255"}'
OPEN_READER = 'reader: {address: 32, security: none, counter: "0.0.43.1.0.255"}'


def edited(folder: Path, name: str, *edits: tuple[str, str]) -> Path:
    text = find("devices", name).read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "profile.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def check(path: Path, device: Profile) -> tuple[Checked, Port]:
    """The file against an emulated device of another profile."""
    profile = read_profile(str(path))
    port = Port(device)
    with port.open(profile.line.settings) as transport:
        return hold_against(str(path), transport), port


def standings(checked: Checked) -> dict[str, Line]:
    return {line.path: line for line in checked.lines}


def line_of(path: Path, text: str) -> int:
    """The line of the file that holds `text`, from 1."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_device_contradicts_nothing_of_its_own_profile(name: str) -> None:
    checked, _ = check(find("devices", name), read_profile(name))
    assert not checked.contradicted
    assert checked.confirmed
    for line in report(checked):
        assert line.isprintable()


def test_every_value_of_the_file_has_a_line() -> None:
    for name in SHIPPED:
        path = find("devices", name)
        checked, _ = check(path, read_profile(name))
        assert all(line.detail != "the device was not asked" for line in checked.lines), name
        assert len({(line.line, line.column) for line in checked.lines}) == len(checked.lines)
    board = "generic-modbus-relay-board"
    checked, _ = check(find("devices", board), read_profile(board))
    assert len(checked.lines) == 18


def test_with_an_open_reader_every_object_is_confirmed(tmp_path: Path) -> None:
    path = edited(tmp_path, "generic-dlms-electricity", (READER, OPEN_READER))
    checked, _ = check(path, OPEN)
    lines = standings(checked)
    for confirmed in (
        "line.baud",
        "dlms.hdlc.physical",
        "dlms.clients.reader.address",
        "dlms.identity.serial-number",
        "dlms.identity.firmware",
        "dlms.clock",
        "dlms.registers[0].object",
        "dlms.supply",
        "dlms.payment.mode",
        "dlms.payment.balance",
        "dlms.security-setup",
        "dlms.key-slots.SUA.version",
        "dlms.key-slots.SUA.check-value",
        "dlms.key-slots.SUA.proof-counter",
        "role",
    ):
        assert lines[confirmed].standing is CONFIRMED, (confirmed, lines[confirmed])
    assert lines["dlms.clients.keys.address"].standing is NOT_CHECKED
    assert not checked.contradicted


WRONG_METER = [
    ('serial-number: "0.0.96.1.0.255"', 'serial-number: "0.0.96.1.9.255"',
     "dlms.identity.serial-number", "object-undefined"),
    ('clock: "0.0.1.0.0.255"', 'clock: "0.0.1.0.1.255"', "dlms.clock", "object-undefined"),
    ('object: "1.0.1.8.0.255"', 'object: "1.0.2.8.0.255"',
     "dlms.registers[0].object", "object-undefined"),
    ('supply: "0.0.96.3.10.255"', 'supply: "0.0.96.3.11.255"', "dlms.supply", "object-undefined"),
    ('model: "0.0.96.1.3.255"', 'model: "0.0.43.1.0.255"', "dlms.identity.model",
     "expected text"),
    ("firmware: []", 'firmware: ["9.9"]', "firmware[0]", "the meter runs 1.0"),
    ("modes: {credit: 0, prepayment: 1}", "modes: {credit: 5, prepayment: 6}",
     "dlms.payment.mode", "one of its modes"),
    ("role: electricity-meter", "role: gas-meter", "role", "an electricity-meter"),
    ("information: 248", "information: 1024", "dlms.hdlc.information", "248 octets"),
    ("reader: {address: 32,", "reader: {address: 33,", "dlms.clients.reader.address", "refused"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "where", "why"), WRONG_METER)
def test_a_wrong_line_is_contradicted_where_it_stands(
    right: str, wrong: str, where: str, why: str, tmp_path: Path
) -> None:
    path = edited(tmp_path, "generic-dlms-electricity", (READER, OPEN_READER), (right, wrong))
    checked, _ = check(path, OPEN)
    line = standings(checked)[where]
    assert line.standing is CONTRADICTED, line
    assert why in line.detail
    assert line.line == line_of(path, wrong)
    (said,) = [text for text in report(checked) if f" {where}: " in text]
    assert said.startswith(f"{path}:{line.line}:{line.column}: {where}: contradicted: ")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("baud: 9600", "baud: 4800"),
        ('parity: "N"', 'parity: "E"'),
        ("physical: 17", "physical: 18"),
    ],
)
def test_where_nobody_answers_the_way_is_in_doubt(right: str, wrong: str, tmp_path: Path) -> None:
    path = edited(tmp_path, "generic-dlms-electricity", (right, wrong))
    checked, _ = check(path, read_profile("generic-dlms-electricity"))
    lines = standings(checked)
    for where in ("line.baud", "line.parity", "dlms.hdlc.physical"):
        assert lines[where].standing is CONTRADICTED
        assert "nothing answers SNRM" in lines[where].detail
    assert not checked.confirmed


def test_an_optical_ports_answers_are_compared(tmp_path: Path) -> None:
    right = "  hdlc: {logical: 1, physical: 17, information: 248, inactivity: 60s}\n"
    signing = '  sign-on: {baud-code: "5", flag: ABC}\n'
    (tmp_path / "device").mkdir()
    device = edited(tmp_path / "device", "generic-dlms-electricity", (right, right + signing))
    wrong = right + signing.replace("ABC", "XYZ").replace('"5"', '"6"')
    path = edited(tmp_path, "generic-dlms-electricity", (right, wrong))
    checked, _ = check(path, read_profile(str(device)))
    lines = standings(checked)
    assert lines["dlms.sign-on.flag"].detail == "the meter says ABC"
    assert lines["dlms.sign-on.flag"].standing is CONTRADICTED
    same, _ = check(device, read_profile(str(device)))
    assert not same.contradicted
    assert standings(same)["dlms.sign-on.baud-code"].standing is CONFIRMED
    assert standings(same)["dlms.clock"].standing is CONFIRMED


CONSOLE_WRONG = [
    ("send: version", "send: ver", "console.commands.identify.send", "refused"),
    ("POWERUPS {power_ups:int}", "POWER {power_ups:int}",
     "console.commands.diagnostics.lines[0].line", "garbled"),
    ("send: wan,", "send: wansee,", "console.commands.wan-state.send", "refused"),
    ("firmware: []", 'firmware: ["7"]', "firmware[0]", "the device runs 1.0"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "where", "why"), CONSOLE_WRONG)
def test_a_wrong_line_of_a_console(
    right: str, wrong: str, where: str, why: str, tmp_path: Path
) -> None:
    path = edited(tmp_path, "generic-console-hub", (right, wrong))
    checked, _ = check(path, read_profile("generic-console-hub"))
    line = standings(checked)[where]
    assert line.standing is CONTRADICTED
    assert why in line.detail


def test_a_silent_console(tmp_path: Path) -> None:
    path = edited(tmp_path, "generic-console-hub", ("baud: 115200", "baud: 9600"))
    checked, _ = check(path, read_profile("generic-console-hub"))
    lines = standings(checked)
    assert lines["line.baud"].standing is CONTRADICTED
    assert not checked.confirmed


KIT_WRONG = [
    ("generic-modbus-relay-board", "channels: 8", "channels: 9",
     "modbus.relay-board.first-coil", "illegal-address"),
    ("generic-modbus-relay-board", "unit: 1", "unit: 7", "modbus.unit", "no reply"),
    ("generic-modbus-reference-meter", "scale: -1", "scale: 1",
     "modbus.reference-meter.voltage.scale", "expected mains"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "right", "wrong", "where", "why"), KIT_WRONG)
def test_a_wrong_line_of_bench_kit(
    name: str, right: str, wrong: str, where: str, why: str, tmp_path: Path
) -> None:
    checked, _ = check(edited(tmp_path, name, (right, wrong)), read_profile(name))
    line = standings(checked)[where]
    assert line.standing is CONTRADICTED, line
    assert why in line.detail


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_is_changed_and_no_credential_is_sent(name: str) -> None:
    checked, port = check(find("devices", name), read_profile(name))
    assert checked.sent > 0
    said = [
        f"{item.decoded.kind} {item.decoded.meaning}"
        for item in decode(port.capture.records)
        if isinstance(item, Message) and item.direction == "out"
    ]
    for forbidden in ("SET", "ACTION", "LLS", "HLS", "wake", "join", "remove", "reboot", "write"):
        assert not any(forbidden in each for each in said), (forbidden, said)
    frames = [frame for sent in port.sent for frame in FrameReader().receive(sent)]
    assert {frame.source for frame in frames} <= {HdlcAddress(16)}
    if frames:
        assert frames[-1].kind is FrameKind.DISC


def test_the_relays_stay_as_they_are() -> None:
    place = home()
    profile = read_profile("generic-modbus-relay-board")
    port = place.bench_port()
    with port.connect(profile.line.settings) as transport:
        checked = hold_against("generic-modbus-relay-board", CountedTransport(transport, 50))
    assert not checked.contradicted
    assert place.board.executed == 0
    assert place.electricity.powered


def test_json_says_the_same() -> None:
    checked, _ = check(find("devices", "generic-console-ihd"), read_profile("generic-console-ihd"))
    said = as_json(checked)["lines"]
    assert isinstance(said, list)
    assert [entry["path"] for entry in said] == [line.path for line in checked.lines]


def test_a_verdict_holds_below_its_place() -> None:
    ledger = Ledger(loads("a: {b: 1, c: [2, 3]}\nd: 4\n", "f"))
    ledger.confirm("a", detail="whole")
    ledger.contradict("a", "c", 1, detail="part")
    found = {line.path: (line.line, line.standing) for line in ledger.lines()}
    assert found == {
        "a.b": (1, CONFIRMED),
        "a.c[0]": (1, CONFIRMED),
        "a.c[1]": (1, CONTRADICTED),
        "d": (2, NOT_CHECKED),
    }
