"""Listening only: what others say is decoded, and nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.clock import VirtualClock
from bench.secret import Secret
from bench.units import MILLISECOND, SECOND, Micros
from drivers.capture.hiding import Hidden
from drivers.capture.messages import Language, Message
from drivers.capture.records import CaptureList, CaptureRecord, Direction, Passed
from drivers.capture.tee import CapturingTransport
from drivers.codecs.iec62056_21_messages import Command
from drivers.console_hub import ConsoleHub
from drivers.dlms_meter import DlmsMeter
from drivers.identification.asking import AllowanceSpent, CountedTransport
from drivers.identification.listening import Overheard, overhear
from drivers.identification.wording import overheard_json, overheard_report
from drivers.modbus_relay_board import ModbusRelayBoard
from drivers.profiles.dlms import Security, secured
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort
from emulators.wire.lone_device import lone_device
from tests.identify.ports import DLMS, METER
from tests.wire.kit_on_wire import BOARD, HUB, START, home

LINES = (LineSettings.parse("115200 8N1"), LineSettings(), LineSettings.parse("300 7E1"))


class Tapped:
    """A wire on which a recorded conversation passes again; keeps what it is told."""

    def __init__(self, said: Iterable[tuple[Micros, bytes]], line: LineSettings) -> None:
        self.clock = VirtualClock(START)
        self.memory = MemoryPort("tap", self.clock, line, paced=False)
        self.memory.attach(self)
        self.told = b""
        for at, data in said:
            self.clock.call_at(START + at, lambda data=data: self.memory.send(data))  # type: ignore[misc]

    def receive(self, data: bytes, at: Micros) -> None:
        self.told += data

    def overhear(
        self, lines: tuple[LineSettings, ...] = LINES, span: Micros = 60 * SECOND
    ) -> Overheard:
        with self.memory.connect(lines[0]) as transport:
            counted = CountedTransport(transport, 0)
            heard = overhear(counted, lines, span, lambda line: None)
        assert self.told == b""
        assert counted.sent == 0
        return heard


def conversation(records: list[CaptureRecord]) -> list[tuple[Micros, bytes]]:
    """What passed, from nought, with what a meter would take to react."""
    passed = [each for each in records if isinstance(each, Passed)]
    began = passed[0].at
    said: list[tuple[Micros, bytes]] = []
    at: Micros = 0
    for number, each in enumerate(passed):
        turned = number > 0 and passed[number - 1].direction is not each.direction
        at = max(at + 20 * MILLISECOND * turned, each.at - began)
        octets = b"".join(piece for piece in each.segments if isinstance(piece, bytes))
        said.append((at, octets))
    return said


def meter_session(security: Security) -> tuple[list[tuple[Micros, bytes]], Secret]:
    """A driver reads a meter; everything passes in the clear on the wire, the password too."""
    clock = VirtualClock(START)
    profile = replace(METER, dlms=secured(DLMS, security))
    port = MemoryPort("meter", clock, profile.line.settings)
    device = lone_device(profile, port)
    port.attach(device)
    sink = CaptureList()
    keys = demo_meter_keys("70-B3-D5-1F-30-00-B0-01")
    transport = Unmarked(port.connect(profile.line.settings), sink)
    meter = DlmsMeter("meter", profile, transport, keys)
    meter.identify()
    meter.read_registers()
    meter.close()
    assert keys.password is not None
    return conversation(sink.records), keys.password


class Unmarked(CapturingTransport):
    """A wire-tap does not know which octets are secret."""

    def write(self, data: bytes, secrets: object = ()) -> None:
        super().write(data)


def test_a_meters_conversation_is_decoded_from_one_wire() -> None:
    said, _ = meter_session(Security.NONE)
    heard = Tapped(said, LineSettings()).overhear((LineSettings(),))
    assert (heard.language, heard.line) == (Language.DLMS, LineSettings())
    messages = [item for item in heard.items if isinstance(item, Message)]
    kinds = {(str(message.direction), message.decoded.kind) for message in messages}
    assert {("out", "SNRM"), ("in", "UA"), ("out", "I AARQ"), ("in", "I AARE")} <= kinds
    assert not any(message.decoded.trouble for message in messages)
    assert any("get-request" in message.decoded.kind.lower() for message in messages)


def test_the_line_is_found_by_going_through_the_lines() -> None:
    said, _ = meter_session(Security.NONE)
    later = [(at + 7 * SECOND, data) for at, data in said]
    heard = Tapped(later, LineSettings()).overhear()
    assert (heard.language, heard.line) == (Language.DLMS, LineSettings())


def test_a_password_that_passes_is_not_kept() -> None:
    said, password = meter_session(Security.LLS)
    assert any(password.reveal() in data for _, data in said), "it does pass"
    heard = Tapped(said, LineSettings()).overhear((LineSettings(),))
    shown = json.dumps(overheard_json(heard)) + "\n".join(overheard_report(heard))
    for form in (password.reveal().hex(), password.reveal().decode()):
        assert form.lower() not in shown.lower()
    assert "a password that was heard" in shown


def test_a_password_of_an_optical_port_is_not_kept() -> None:
    said = b"/?!\r\n"
    command = Command("P1", b"(TOPSECRET)").encode()
    heard = Tapped(
        [(SECOND, said), (2 * SECOND, b"/ABC5M1\r\n"), (3 * SECOND, command[:6]),
         (3 * SECOND, command[6:])],
        LineSettings.parse("300 7E1"),
    ).overhear((LineSettings.parse("300 7E1"),))  # fmt: skip
    assert heard.language is Language.DLMS
    shown = json.dumps(overheard_json(heard)) + "\n".join(overheard_report(heard))
    assert "SECRET" not in shown
    assert b"SECRET".hex() not in shown
    hidden = [
        segment
        for item in heard.items
        if isinstance(item, Message)
        for segment in item.tape.segments
        if isinstance(segment, Hidden)
    ]
    assert [segment.length for segment in hidden] == [len("TOPSECRET")]


def test_modbus_is_told_apart_by_who_asks() -> None:
    place = home()
    sink = CaptureList()
    line = BOARD.line.settings
    board = ModbusRelayBoard(
        "board", BOARD, CapturingTransport(place.bench_port().connect(line), sink)
    )
    board.set_channel(1, closed=False)
    assert not board.channel_closed(1)
    board.close()
    heard = Tapped(conversation(sink.records), line).overhear((line,))
    assert heard.language is Language.MODBUS
    messages = [item for item in heard.items if isinstance(item, Message)]
    assert [str(message.direction) for message in messages] == ["out", "in"] * 3
    assert not any(message.decoded.trouble for message in messages)


def test_a_console_is_heard() -> None:
    place = home()
    sink = CaptureList()
    line = HUB.line.settings
    transport = CapturingTransport(place.console_port("hub", HUB).connect(line), sink)
    hub = ConsoleHub("hub", HUB, transport)
    hub.identify()
    hub.close()
    heard = Tapped(conversation(sink.records), line).overhear((line,))
    assert heard.language is Language.CONSOLE


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], "nothing was heard"),
        ([(SECOND, b"\xff\x00\x81\x42")], "heard, and not understood:"),
        ([(SECOND, b"ok")], "heard, and not understood:"),
    ],
)
def test_where_nothing_is_understood(said: list[tuple[Micros, bytes]], expected: str) -> None:
    heard = Tapped(said, LineSettings()).overhear((LineSettings(),), 10 * SECOND)
    assert heard.line is None
    assert next(iter(overheard_report(heard))) == expected


def test_listening_cannot_send() -> None:
    tapped = Tapped([], LineSettings())
    with tapped.memory.connect(LineSettings()) as transport, pytest.raises(AllowanceSpent):
        CountedTransport(transport, 0).write(b"x")
    assert tapped.told == b""


@given(said=st.lists(st.tuples(st.integers(0, 30 * SECOND), st.binary(max_size=120)), max_size=20))
@settings(max_examples=40, deadline=None)
def test_whatever_passes_it_ends_in_time(said: list[tuple[Micros, bytes]]) -> None:
    tapped = Tapped(said, LineSettings())
    heard = tapped.overhear(span=30 * SECOND)
    assert tapped.clock.now() <= START + 31 * SECOND
    json.dumps(overheard_json(heard))
    for line in overheard_report(heard):
        assert line.isprintable()


def test_of_what_passed_nothing_is_lost() -> None:
    said, _ = meter_session(Security.HLS_GMAC)
    heard = Tapped(said, LineSettings()).overhear((LineSettings(),))
    total = sum(len(item.tape) for item in heard.items if isinstance(item, Message))
    assert total == sum(len(data) for _, data in said)
    assert {str(i.direction) for i in heard.items if isinstance(i, Message)} == set(Direction)
