"""One unit on a Modbus RTU line: a question, its answer, and what to do when none comes.

RTU has no transaction number. A late answer to the last question looks like the answer to this one
if both ask for the same kind and number of things. So nothing is sent on a line that may still
have an answer under way: after anything but a sound answer of the right unit, function and size
the line is kept silent for the profile's `quiet`, longer than the slowest answer of anything on
it, and what came meanwhile is dropped. Then the question is asked afresh.

Bench kit is the bench's: whatever it does wrong is a `KitFault`.
"""

from __future__ import annotations

from typing import Final

from bench.errors import KitFault
from bench.units import Micros
from drivers.codecs.errors import LocalProtocolError
from drivers.codecs.modbus_messages import (
    BitsRead,
    Corrupt,
    ExceptionCode,
    ExceptionReply,
    Foreign,
    Outcome,
    ReadBits,
    ReadRegisters,
    RegistersRead,
    Request,
    Silence,
    Truncated,
    WriteBit,
)
from drivers.codecs.modbus_rtu import ModbusClient
from drivers.profiles.profile import TimingProfile
from drivers.transport.bus import SharedBus
from drivers.transport.line import LineSettings
from drivers.transport.pipe import Transport, quiet

_SHORTEST_GAP: Final[Micros] = 1_750  # above 19200 baud
_CODES: Final = {int(code): code.name.lower().replace("_", "-") for code in ExceptionCode}


class NoSoundAnswer(KitFault):
    """The unit did not answer, or nobody can tell what it answered; done or not is unknown."""


class ModbusUnit:
    """`name` is the kit's on the station, for errors. `line`: its own port, or a shared one."""

    def __init__(
        self, name: str, unit: int, timing: TimingProfile, line: Transport | SharedBus
    ) -> None:
        self.name = name
        self._unit = unit
        self._timing = timing
        self._bus = line if isinstance(line, SharedBus) else SharedBus(line, settle=timing.quiet)

    def read_bits(self, operation: str, request: ReadBits) -> tuple[bool, ...]:
        answer = self._ask(operation, request)
        assert isinstance(answer, BitsRead), "the codec answers a read with what was read"
        return answer.values

    def read_registers(self, operation: str, request: ReadRegisters) -> tuple[int, ...]:
        answer = self._ask(operation, request)
        assert isinstance(answer, RegistersRead), "the codec answers a read with what was read"
        return answer.values

    def write_bit(self, operation: str, request: WriteBit) -> None:
        """The unit heard it. `NoSoundAnswer`: it may have."""
        self._ask(operation, request)

    def close(self) -> None:
        self._bus.close()

    def _ask(self, operation: str, request: Request) -> Outcome:
        """A sound answer, or a `KitFault`. After `PortGone` the next question reopens the port."""
        timing = self._timing
        start = self._bus.clock.now()
        turn = start + 2 * timing.quiet + timing.reply_timeout
        try:
            with self._bus.conversation(self.name, turn) as transport:
                outcome = self._exchange(operation, transport, request)
                if isinstance(outcome, Silence | Truncated | Corrupt | Foreign):
                    raise NoSoundAnswer(_said(self.name, operation, outcome))
        except LocalProtocolError as error:
            raise KitFault(f"{self.name}: {operation}: {error}") from None
        if isinstance(outcome, ExceptionReply):
            code = _CODES.get(outcome.code, str(outcome.code))
            raise KitFault(f"{self.name}: {operation}: refused ({code})")
        return outcome

    def _exchange(self, operation: str, transport: Transport, request: Request) -> Outcome:
        client = ModbusClient()
        frame = client.request(self._unit, request)
        clock = transport.clock
        # The octets before the gap are an answer nobody waits for any more, or noise.
        if transport.read(max(clock.now(), transport.received_at + _gap(transport.line))):
            until = clock.now() + self._timing.quiet + self._timing.reply_timeout
            if not quiet(transport, self._timing.quiet, until):
                raise NoSoundAnswer(f"{self.name}: {operation}: the line does not fall silent")
        transport.write(frame)
        deadline = clock.now() + self._timing.reply_timeout
        while data := transport.read(deadline):
            outcome = client.feed(data)
            if outcome is not None:
                return outcome
        return client.end()


def _gap(line: LineSettings) -> Micros:
    """3.5 characters, Modbus over Serial Line V1.02, 2.5.1.1."""
    return max(_SHORTEST_GAP, -(-line.span(7) // 2)) if line.baud <= 19_200 else _SHORTEST_GAP


def _said(name: str, operation: str, outcome: Silence | Truncated | Corrupt | Foreign) -> str:
    match outcome:
        case Silence():
            what = "no reply"
        case Truncated(received, expected):
            what = f"the reply was cut off after {received} of {expected} octets"
        case Corrupt(detail):
            what = f"garbled reply: {detail}"
        case Foreign(detail):
            what = f"not the reply to this request: {detail}"
    return f"{name}: {operation}: {what}"
