"""The emulated ends of console, modem and Modbus line, spoken to in octets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.units import MILLISECOND, MINUTE, SECOND
from drivers.codecs.modbus_messages import (
    ExceptionReply,
    ReadBits,
    ReadRegisters,
    Request,
    WriteBits,
    WriteRegister,
    Written,
)
from drivers.codecs.modbus_rtu import ModbusClient
from drivers.transport.memory import MemoryPort
from drivers.transport.pipe import Transport
from emulators.wire.at_modem import HubModemDevice
from tests.wire.kit_on_wire import HUB, IHD, START, home


class Terminal:
    """Types at a port and shows what came within a second."""

    def __init__(self, port: MemoryPort) -> None:
        self.transport: Transport = port.connect(port.line)

    def type(self, text: bytes) -> bytes:
        self.transport.write(text)
        return self.shows()

    def shows(self) -> bytes:
        got, until = b"", self.transport.clock.now() + SECOND
        while data := self.transport.read(until):
            got += data
        return got


def test_a_person_at_the_hubs_console() -> None:
    place = home()
    terminal = Terminal(place.console_port("hub", HUB))
    assert terminal.type(b"wan\r\n") == b"wan\r\nWAN UP SMS 0\r\nhub> "
    both = terminal.type(b"wan\r\nhan join 0\r")
    assert both == b"wan\r\nhan join 0\r\nWAN UP SMS 0\r\nhub> hub> ", "one after the other"
    assert b"ERR unknown-command no such command\r\nhub> " in terminal.type(b"help\r\n")
    assert b"ERR unknown-device 00\r\nhub> " in terminal.type(b"han remove 00\r\n")


def test_a_device_that_is_off_neither_echoes_nor_remembers() -> None:
    place = home()
    terminal = Terminal(place.console_port("hub", HUB))
    place.hub.cut_power()
    assert terminal.type(b"wan") == b""
    place.hub.restore_power()
    place.clock.sleep_until(START + 2 * MINUTE)
    assert terminal.shows() == b"EVENT START 1.0\r\n"
    assert terminal.type(b"\r\nwan\r\n").endswith(b"wan\r\nWAN UP SMS 0\r\nhub> ")


def test_a_device_that_goes_off_forgets_what_it_had_heard() -> None:
    place = home()
    terminal = Terminal(place.console_port("hub", HUB))
    place.clock.call_at(START + 20 * MILLISECOND, place.hub.restart)
    assert terminal.type(b"wan wake\r\nha") == b"wan wake\r\nha"
    place.clock.sleep_until(START + 2 * MINUTE)
    assert terminal.shows() == b"EVENT START 1.0\r\n"
    assert b"wan wake" not in terminal.type(b"wan\r\n")
    assert place.hub.executed == {}


def test_an_announcement_waits_until_the_line_being_typed_is_whole() -> None:
    place = home()
    terminal = Terminal(place.console_port("hub", HUB))
    terminal.type(b"wa")
    place.hub.wake()
    assert terminal.shows() == b""
    assert terminal.type(b"n\r\n") == b"n\r\nEVENT SMS 1\r\nWAN UP SMS 1\r\nhub> "


def test_a_console_without_prompt_or_echo() -> None:
    place = home()
    terminal = Terminal(place.console_port("display", IHD))
    said = terminal.type(b"SHOW\r")
    assert said.startswith(b"HAN=70-B3-D5-1F-30-00-A0-03\rLINE=electricity ")
    assert said.endswith(b" m3\rOK\r")


def test_the_modem_echoes_until_told_not_to() -> None:
    place = home()
    line = MemoryPort("modem", place.clock)
    line.attach(HubModemDevice(place.hub, 20 * MILLISECOND, place.clock, line.send))
    terminal = Terminal(line)
    assert terminal.type(b"ATE0\r") == b"ATE0\r\r\nOK\r\n"
    assert terminal.type(b"at+creg?\r") == b"\r\n+CREG: 0,1\r\n\r\nOK\r\n"
    assert terminal.type(b"AT+CMGF=1\r") == b"\r\nERROR\r\n"
    place.hub.wake()
    assert terminal.shows() == b'\r\n+CMTI: "SM",1\r\n'
    place.hub.wan.outages = 1
    assert terminal.type(b"AT+CREG?\r") == b"\r\n+CREG: 0,2\r\n\r\nOK\r\n"


def ask(terminal: Terminal, unit: int, request: Request) -> object:
    client = ModbusClient()
    outcome = client.feed(terminal.type(client.request(unit, request)))
    return client.end() if outcome is None else outcome


# unit, request, the code it is refused with
REFUSED: list[tuple[int, Request, int]] = [
    (1, ReadBits(8, 1), 2),
    (1, ReadBits(7, 2, inputs=True), 2),
    (1, WriteBits(6, (True,) * 3), 2),
    (1, ReadRegisters(0, 1), 1),
    (2, ReadRegisters(5, 1, inputs=True), 2),
    (2, ReadRegisters(0, 1), 2),
    (2, WriteRegister(0, 1), 1),
]


@pytest.mark.parametrize(("unit", "request_", "code"), REFUSED)
def test_what_a_unit_has_not_it_refuses(unit: int, request_: Request, code: int) -> None:
    place = home()
    assert ask(Terminal(place.bench_port()), unit, request_) == ExceptionReply(code)
    assert place.board.switched == []


def test_several_coils_at_once() -> None:
    place = home()
    terminal = Terminal(place.bench_port())
    assert ask(terminal, 1, WriteBits(0, (True, True, False))) == Written()
    assert (place.electricity.powered, place.hub.powered) == (False, False)
    assert [channel for _, channel, _ in place.board.switched] == [1, 2]


def test_another_units_frame_is_not_answered_and_noise_is_got_over() -> None:
    place = home()
    terminal = Terminal(place.bench_port())
    assert terminal.type(ModbusClient().request(9, ReadBits(0, 1))) == b""
    assert terminal.type(b"\xff" * 300) == b""
    assert terminal.type(ModbusClient().request(1, ReadBits(0, 8)))[:3] == b"\x01\x01\x01"


@given(st.lists(st.binary(max_size=40), max_size=12))
@settings(max_examples=60, deadline=None)
def test_any_octets_leave_every_server_able_to_answer(pieces: list[bytes]) -> None:
    place = home()
    console = Terminal(place.console_port("hub", HUB))
    kit = Terminal(place.bench_port())
    for piece in pieces:
        console.type(piece)
        kit.type(piece)
    place.clock.sleep_until(place.clock.now() + 10 * MINUTE)
    console.shows()
    assert console.type(b"\r\nwan\r\n").endswith(b" SMS %d\r\nhub> " % place.hub.wan.wake_ups)
    assert len(kit.type(ModbusClient().request(1, ReadBits(0, 8)))) == 6
