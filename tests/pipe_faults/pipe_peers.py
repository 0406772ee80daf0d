"""Small devices on a line in memory, and what asks them, for tests of the pipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import dlms_bench
from dlms_bench import PUBLIC, Line, make_client, make_server

from bench.clock import VirtualClock
from bench.units import MILLISECOND, SECOND, Micros
from drivers.codecs.console import ConsoleServer, Heard
from drivers.codecs.console_dialect import ConsoleDialect
from drivers.codecs.dlms_events import Event, Transmit
from drivers.codecs.hdlc import FrameReader, HdlcAddress
from drivers.codecs.hdlc_events import Connect, Data
from drivers.codecs.hdlc_link import HdlcLink, Role
from drivers.codecs.modbus_messages import (
    Asked,
    Outcome,
    ReadBits,
    ReadRegisters,
    Request,
    WriteBit,
)
from drivers.codecs.modbus_rtu import ModbusClient, ModbusServer
from drivers.pipe_faults.faulty import FaultyTransport
from drivers.pipe_faults.plan import FaultPlan, PipeFaultSpec
from drivers.pipe_faults.speech import Speech
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort
from drivers.transport.pipe import Transport

START = 1_617_874_200 * SECOND
REACTION = 10 * MILLISECOND
TIMEOUT = SECOND
DIALECT = ConsoleDialect.from_data(
    {
        "prompt": "> ",
        "echo": True,
        "commands": {
            "read-clock": {"send": "clock", "lines": [{"line": "CLOCK {utc}"}]},
            "read-mains": {"send": "mains", "lines": [{"line": "MAINS {volts:int}"}]},
            "load-key": {"send": "key {key:secret}"},
        },
        "done": ["OK"],
        "errors": ["ERR {code:int} {reason:text}"],
    }
)
PLAIN_DIALECT = ConsoleDialect.from_data(
    {"prompt": "> ", "commands": {"read-clock": {"send": "clock"}}}
)


class Device:
    """Answers what it hears after its reaction time."""

    def __init__(self, port: MemoryPort, answer: Callable[[bytes], bytes]) -> None:
        self.heard = b""
        self._port = port
        self._answer = answer
        port.attach(self)

    def receive(self, data: bytes, at: Micros) -> None:
        self.heard += data
        answer = self._answer(data)
        if answer:
            self._port.clock.call_at(at + REACTION, lambda: self._port.send(answer))


class ModbusDevice:
    """Unit 1; register n holds 100 + n. Frames are parted by silence."""

    def __init__(self, unit: int = 1) -> None:
        self._server = ModbusServer({unit})
        self.written: list[Request] = []

    def answer(self, data: bytes) -> bytes:
        said = b""
        for heard in self._server.feed(data):
            if isinstance(heard, Asked):
                said += self._served(heard)
        return said

    def _served(self, heard: Asked) -> bytes:
        request = heard.request
        values: Sequence[int] = ()
        if isinstance(request, ReadRegisters):
            values = [100 + request.address + n for n in range(request.count)]
        elif isinstance(request, ReadBits):
            values = [True] * request.count
        else:
            self.written.append(request)
        return self._server.answer(heard, values)


class ConsoleDevice:
    def __init__(self) -> None:
        self._server = ConsoleServer(DIALECT)
        self.commands: list[str] = []

    def answer(self, data: bytes) -> bytes:
        heard, said = self._server.receive(data)
        for each in heard:
            assert isinstance(each, Heard)
            self.commands.append(each.command)
            said += self._server.answer(each.command, self._lines(each.command))
        return said

    def _lines(self, command: str) -> list[tuple[int, dict[str, str]]]:
        if command == "read-clock":
            return [(0, {"utc": "2021-04-08T09:30:00Z"})]
        return [(0, {"volts": "230"})] if command == "read-mains" else []


class DlmsDevice:
    """The DLMS tests' meter behind an HDLC link; `client` is who talks to it."""

    def __init__(self, client: int = PUBLIC) -> None:
        self.line = Line(make_server(), client)
        self.asked: list[bytes] = []

    def answer(self, data: bytes) -> bytes:
        said = b""
        for event in self.line.far.receive(data):
            if isinstance(event, Data):
                self.asked.append(event.payload)
                apdu = self.line.server.receive_apdu(self.line.address, event.payload)
                said += (
                    self.line.far.acknowledge() if apdu is None else self.line.far.send(Data(apdu))
                )
        return said + self.line.far.octets_to_send()


class Pipe:
    """A faulty pipe to a device, under a virtual clock. `serve` None: nobody answers."""

    def __init__(
        self,
        serve: Callable[[bytes], bytes] | None,
        *faults: PipeFaultSpec,
        speech: Speech | None = None,
        seed: int = 1,
        line: str = "9600 8N1",
    ) -> None:
        self.clock = VirtualClock(START)
        settings = LineSettings.parse(line)
        self.port = MemoryPort("kit", self.clock, settings)
        self.device = Device(self.port, serve or (lambda data: b""))
        self.transport = FaultyTransport(
            self.port.connect(settings), FaultPlan(faults, speech), self.clock, seed
        )

    def ask(self, octets: bytes, wait: Micros = TIMEOUT) -> bytes:
        """All that comes until `wait` is over."""
        self.transport.write(octets)
        return self.hear(wait)

    def hear(self, wait: Micros = TIMEOUT) -> bytes:
        deadline = self.clock.now() + wait
        got = b""
        while data := self.transport.read(deadline):
            got += data
        assert self.clock.now() == deadline
        return got

    @property
    def struck(self) -> list[str]:
        return [each.fault for each in self.transport.struck]


def ask_modbus(transport: Transport, request: Request, unit: int = 1) -> Outcome:
    client = ModbusClient()
    transport.write(client.request(unit, request))
    deadline = transport.clock.now() + TIMEOUT
    while data := transport.read(deadline):
        outcome = client.feed(data)
        if outcome is not None:
            return outcome
    return client.end()


class DlmsAsker:
    """A DLMS client over a transport, without retries."""

    def __init__(self, transport: Transport, address: int = PUBLIC, **options: bool) -> None:
        self.transport = transport
        meter = HdlcAddress(1, 17)
        self.link = HdlcLink(Role.CLIENT, server=meter, client=HdlcAddress(address))
        self.client = make_client(address, **options)

    def associate(self) -> Event | None:
        self._carried(self.link.send(Connect()))
        event = self.asked(self.client.associate_request(b"C" * 16))
        while isinstance(event, Transmit):
            event = self.asked(event.apdu)
        return event

    def get(self, name: bytes = dlms_bench.ENERGY, class_id: int = 3) -> Event | None:
        return self.asked(self.client.get(class_id, name, 2))

    def asked(self, apdu: bytes) -> Event | None:
        """What the client makes of the answer; None: there was none."""
        for event in self._carried(self.link.send(Data(apdu))):
            if isinstance(event, Data):
                return self.client.receive_apdu(event.payload)
        return None

    def _carried(self, octets: bytes) -> list[object]:
        self.transport.write(octets)
        deadline = self.transport.clock.now() + TIMEOUT
        events: list[object] = []
        while not events:
            data = self.transport.read(deadline)
            if not data:
                break
            events += self.link.receive(data)
        return events


def frames_of(octets: bytes) -> int:
    return len(FrameReader().receive(octets))


COIL = WriteBit(3, True)
REGISTERS = ReadRegisters(7, 2)
