"""Sessions with small devices, captured."""

from __future__ import annotations

from collections.abc import Callable

from dlms_bench import CLOCK, MANAGER, PUBLIC
from pipe_peers import (
    COIL,
    DIALECT,
    REGISTERS,
    START,
    ConsoleDevice,
    Device,
    DlmsAsker,
    DlmsDevice,
    ModbusDevice,
    ask_modbus,
)

from bench.clock import VirtualClock
from bench.units import SECOND
from drivers.capture.messages import Item, Message
from drivers.capture.records import CaptureList, CaptureRecord
from drivers.capture.tee import CapturingTransport
from drivers.codecs.console import ConsoleClient
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort
from drivers.transport.pipe import SecretSpan, Transport

KEY = "00112233445566778899aabbccddeeff"


def make_port(answer: Callable[[bytes], bytes], line: str = "9600 8N1") -> MemoryPort:
    port = MemoryPort("kit", VirtualClock(START), LineSettings.parse(line))
    Device(port, answer)
    return port


def captured(
    answer: Callable[[bytes], bytes], say: Callable[[Transport], None], line: str = "9600 8N1"
) -> list[CaptureRecord]:
    port, stored = make_port(answer, line), CaptureList()
    with CapturingTransport(port.connect(LineSettings.parse(line)), stored) as transport:
        say(transport)
    return stored.records


def read_meter(transport: Transport, client: int = PUBLIC) -> None:
    asker = DlmsAsker(transport, client)
    asker.associate()
    asker.get()
    asker.get(CLOCK, 8)


def meter_session(client: int = PUBLIC) -> list[CaptureRecord]:
    return captured(DlmsDevice(client).answer, lambda transport: read_meter(transport, client))


def ciphered_session() -> list[CaptureRecord]:
    return meter_session(MANAGER)


def use_board(transport: Transport) -> None:
    ask_modbus(transport, REGISTERS)
    ask_modbus(transport, COIL)


def modbus_session() -> list[CaptureRecord]:
    return captured(ModbusDevice().answer, use_board)


def use_console(transport: Transport) -> None:
    client = ConsoleClient(DIALECT)
    for command, given in (("read-mains", {}), ("load-key", {"key": KEY})):
        said = client.ask(command, **given)
        spans = [SecretSpan(start, end, f"hub/{name}") for start, end, name in said.secrets]
        transport.write(said.octets, spans)
        while data := transport.read(transport.clock.now() + SECOND):
            client.receive(data)


def console_session() -> list[CaptureRecord]:
    return captured(ConsoleDevice().answer, use_console)


def messages_of(items: list[Item]) -> list[Message]:
    return [item for item in items if isinstance(item, Message)]


def meanings(items: list[Item]) -> list[str]:
    return [message.decoded.meaning for message in messages_of(items)]
