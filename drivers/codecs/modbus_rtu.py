"""Modbus RTU, both roles, over pymodbus' PDUs and RTU framer (Modbus over Serial Line V1.02).

What the codec can and cannot tell. RTU has no transaction number: an answer carries the unit, the
function and, for reads, a byte count; nothing says which question it answers. So an answer with
another unit, function, byte count, address or value is refused here, and so is one that more
octets follow (two answers, or noise). But a *late answer to the same kind of question of the same
size looks right*. Against it only the driver can help: after any outcome but `BitsRead`,
`RegistersRead`, `Written` or `ExceptionReply` it must keep the line quiet for longer than the
slowest answer (`drivers.transport.pipe.quiet`) before it asks again, and read back what it wrote.

The client does not hunt for a frame inside noise: an answer begins with its first octet or it is
`Corrupt`. Silence, a cut answer and a bad checksum are told apart.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from pymodbus.framer.rtu import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadCoilsResponse,
    ReadDiscreteInputsRequest,
    ReadDiscreteInputsResponse,
    WriteMultipleCoilsRequest,
    WriteMultipleCoilsResponse,
    WriteSingleCoilRequest,
    WriteSingleCoilResponse,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    ReadInputRegistersResponse,
    WriteMultipleRegistersRequest,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterRequest,
    WriteSingleRegisterResponse,
)

from drivers.codecs.errors import LocalProtocolError

LONGEST_FRAME: Final = 256
_CRC: Final = 2
_FAILED: Final = 0x80
_ANSWERS: Final = DecodePDU(is_server=False)
_REQUESTS: Final = DecodePDU(is_server=True)
_FRAMER: Final = FramerRTU(_ANSWERS)


class ExceptionCode(IntEnum):
    """Modbus Application Protocol V1.1b3, 7. Kit may answer others."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4
    ACKNOWLEDGE = 5
    BUSY = 6


@dataclass(frozen=True, slots=True)
class ReadBits:
    """Function 1 (coils) or 2 (discrete inputs). `address` counts from 0."""

    address: int
    count: int
    inputs: bool = False


@dataclass(frozen=True, slots=True)
class ReadRegisters:
    """Function 3 (holding registers) or 4 (input registers)."""

    address: int
    count: int
    inputs: bool = False


@dataclass(frozen=True, slots=True)
class WriteBit:
    """Function 5."""

    address: int
    value: bool


@dataclass(frozen=True, slots=True)
class WriteRegister:
    """Function 6."""

    address: int
    value: int


@dataclass(frozen=True, slots=True)
class WriteBits:
    """Function 15."""

    address: int
    values: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class WriteRegisters:
    """Function 16."""

    address: int
    values: tuple[int, ...]


Request = ReadBits | ReadRegisters | WriteBit | WriteRegister | WriteBits | WriteRegisters


@dataclass(frozen=True, slots=True)
class BitsRead:
    values: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class RegistersRead:
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """The unit repeated what was to be written: it heard it. Whether it acted: read it back."""


@dataclass(frozen=True, slots=True)
class ExceptionReply:
    """The unit answers no."""

    code: int


@dataclass(frozen=True, slots=True)
class Silence:
    """Not one octet came."""


@dataclass(frozen=True, slots=True)
class Truncated:
    """The beginning of the answer, and then nothing."""

    received: int
    expected: int


@dataclass(frozen=True, slots=True)
class Corrupt:
    """The checksum fails, or it is no frame at all."""

    detail: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """A sound frame, but not the answer: another's, or a late one."""

    detail: str


Outcome = (
    BitsRead | RegistersRead | Written | ExceptionReply | Silence | Truncated | Corrupt | Foreign
)


class ModbusClient:
    """One question at a time: `request`, then `feed` until it gives an outcome, or `end`."""

    def __init__(self) -> None:
        self._unit = 0
        self._asked: Request | None = None
        self._frame = b""
        self._buffer = bytearray()

    def request(self, unit: int, request: Request) -> bytes:
        """The frame to send. `LocalProtocolError`: out of range, or a question is still open."""
        if self._asked is not None:
            raise LocalProtocolError("Modbus: the last question is still open; end it first")
        if not 1 <= unit <= 247:
            raise LocalProtocolError(f"Modbus: unit: expected 1 to 247, got {unit}")
        frame = _built(unit, _request_pdu(request))
        self._unit, self._asked, self._frame = unit, request, frame
        self._buffer.clear()
        return frame

    def feed(self, data: bytes) -> Outcome | None:
        """What the octets so far are; None: not yet known. Any octets are safe."""
        if self._asked is None:
            return Foreign(f"{len(data)} octets that nobody asked for") if data else None
        self._buffer += data[: LONGEST_FRAME + 1 - len(self._buffer)]
        if len(self._buffer) > LONGEST_FRAME:
            return self._closed(Corrupt(f"more than {LONGEST_FRAME} octets"))
        size = _answer_size(self._buffer)
        if size is None or len(self._buffer) < size:
            return None
        return self._closed(self._judged(size))

    def end(self) -> Outcome:
        """The caller's deadline came: what there is."""
        if self._asked is None:
            raise LocalProtocolError("Modbus: no question is open")
        received = len(self._buffer)
        if received == 0:
            return self._closed(Silence())
        if received > _CRC + 1 and _crc_holds(self._buffer):
            return self._closed(self._judged(received))
        function = self._frame[1]
        begins_right = self._buffer[0] == self._unit and (
            received == 1 or self._buffer[1] & ~_FAILED == function
        )
        if not begins_right:
            return self._closed(Corrupt(f"{received} octets that are no answer"))
        expected = _answer_size(self._buffer) or _expected_size(self._asked)
        return self._closed(Truncated(received, expected))

    def _closed(self, outcome: Outcome) -> Outcome:
        self._asked = None
        self._buffer.clear()
        return outcome

    def _judged(self, size: int) -> Outcome:
        frame, asked = bytes(self._buffer[:size]), self._asked
        assert asked is not None, "only called while a question is open"
        if not _crc_holds(frame):
            return Corrupt("the checksum (CRC) fails")
        if frame[0] != self._unit:
            return Foreign(f"unit: expected {self._unit}, got {frame[0]}")
        function = self._frame[1]
        if frame[1] & ~_FAILED != function:
            return Foreign(f"function: expected {function}, got {frame[1]}")
        if len(self._buffer) > size:
            return Foreign(f"{len(self._buffer) - size} octets follow the answer")
        if frame[1] & _FAILED:
            return ExceptionReply(frame[2])
        if size != _expected_size(asked):
            return Foreign(f"answer of {size} octets, expected {_expected_size(asked)}")
        if isinstance(asked, ReadBits | ReadRegisters):
            if frame[2] != size - 5:
                return Foreign(f"byte count: expected {size - 5}, got {frame[2]}")
            pdu = _decoded(_ANSWERS, frame)
            if isinstance(asked, ReadBits):
                return BitsRead(tuple(bool(bit) for bit in pdu.bits[: asked.count]))
            return RegistersRead(tuple(pdu.registers))
        # A write is answered with the address and the value, or the count, of the request.
        if frame[2:6] != self._frame[2:6]:
            return Foreign(f"repeats {frame[2:6].hex()}, expected {self._frame[2:6].hex()}")
        return Written()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to one of the server's units; to be answered, or refused, or left (silence)."""

    unit: int
    request: Request


@dataclass(frozen=True, slots=True)
class Unanswerable:
    """A sound frame for one of the units that is no valid request; refuse it with `code`."""

    unit: int
    function: int
    code: ExceptionCode


class ModbusServer:
    """The other role, for one or several units on a line.

    Frames are parted by silence: call `gap` whenever the line was silent for 3.5 characters. After
    noise the server listens again from the next gap on, as the specification has it.
    """

    def __init__(self, units: Container[int]) -> None:
        self._units = units
        self._buffer = bytearray()
        self._lost = False

    def feed(self, data: bytes) -> list[Asked | Unanswerable]:
        """Any octets are safe; at most one frame's worth is kept."""
        found: list[Asked | Unanswerable] = []
        for octet in data:
            if self._lost:
                break
            self._buffer.append(octet)
            size = _request_size(self._buffer)
            if size is not None and len(self._buffer) >= size:
                self._take(found)
            elif len(self._buffer) >= LONGEST_FRAME:
                self._lost = True
        return found

    def gap(self) -> list[Asked | Unanswerable]:
        """The line was silent: what came so far is a whole frame or none."""
        found: list[Asked | Unanswerable] = []
        if not self._lost and len(self._buffer) > _CRC + 1:
            self._take(found)
        self._buffer.clear()
        self._lost = False
        return found

    def answer(self, asked: Asked, values: Sequence[bool] | Sequence[int] = ()) -> bytes:
        """The frame that answers; `values`: what was read, exactly as many as asked for."""
        request = asked.request
        if isinstance(request, ReadBits | ReadRegisters) and len(values) != request.count:
            raise LocalProtocolError(f"Modbus: expected {request.count} values, got {len(values)}")
        return _built(asked.unit, _answer_pdu(request, values))

    def refuse(self, asked: Asked | Unanswerable, code: int) -> bytes:
        function = (
            asked.function
            if isinstance(asked, Unanswerable)
            else _request_pdu(asked.request).function_code
        )
        return _built(asked.unit, ExceptionResponse(function, code))

    def _take(self, found: list[Asked | Unanswerable]) -> None:
        frame = bytes(self._buffer)
        self._buffer.clear()
        if not _crc_holds(frame):
            self._lost = True
        elif frame[0] in self._units:
            found.append(_understood(frame))


def _request_pdu(request: Request) -> ModbusPDU:
    address = request.address
    match request:
        case ReadBits(count=count, inputs=inputs):
            _check(address, count, 2000)
            bits = ReadDiscreteInputsRequest if inputs else ReadCoilsRequest
            return bits(address=address, count=count)
        case ReadRegisters(count=count, inputs=inputs):
            _check(address, count, 125)
            registers = ReadInputRegistersRequest if inputs else ReadHoldingRegistersRequest
            return registers(address=address, count=count)
        case WriteBit(value=bit):
            _check(address, 1, 1)
            return WriteSingleCoilRequest(address=address, bits=[bit])
        case WriteRegister(value=value):
            _check(address, 1, 1)
            return WriteSingleRegisterRequest(address=address, registers=_words((value,)))
        case WriteBits(values=bits_to_write):
            _check(address, len(bits_to_write), 1968)
            return WriteMultipleCoilsRequest(address=address, bits=list(bits_to_write))
        case WriteRegisters(values=values):
            _check(address, len(values), 123)
            return WriteMultipleRegistersRequest(address=address, registers=_words(values))


def _answer_pdu(request: Request, values: Sequence[bool] | Sequence[int]) -> ModbusPDU:
    match request:
        case ReadBits(inputs=inputs):
            bits = ReadDiscreteInputsResponse if inputs else ReadCoilsResponse
            return bits(bits=[bool(value) for value in values])
        case ReadRegisters(inputs=inputs):
            registers = ReadInputRegistersResponse if inputs else ReadHoldingRegistersResponse
            return registers(registers=_words(values))
        case WriteBit(address=address, value=bit):
            return WriteSingleCoilResponse(address=address, bits=[bit])
        case WriteRegister(address=address, value=value):
            return WriteSingleRegisterResponse(address=address, registers=[value])
        case WriteBits(address=address, values=written):
            return WriteMultipleCoilsResponse(address=address, count=len(written))
        case WriteRegisters(address=address, values=written_words):
            return WriteMultipleRegistersResponse(address=address, count=len(written_words))


def _check(address: int, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise LocalProtocolError(f"Modbus: count: expected 1 to {most}, got {count}")
    if not 0 <= address <= 0x10000 - count:
        raise LocalProtocolError(f"Modbus: address: expected 0 to {0x10000 - count}, got {address}")


def _words(values: Sequence[int]) -> list[int]:
    for value in values:
        if not 0 <= value <= 0xFFFF:
            raise LocalProtocolError(f"Modbus: register: expected 0 to 65535, got {value}")
    return list(values)


def _built(unit: int, pdu: ModbusPDU) -> bytes:
    pdu.dev_id = unit
    return _FRAMER.buildFrame(pdu)


def _crc_holds(frame: bytes | bytearray) -> bool:
    return FramerRTU.check_CRC(bytes(frame[:-_CRC]), int.from_bytes(frame[-_CRC:], "big"))


def _decoded(decoder: DecodePDU, frame: bytes) -> ModbusPDU:
    pdu = decoder.decode(frame[1:-_CRC])
    assert pdu is not None, "function and lengths were checked before"
    return pdu


def _size(decoder: DecodePDU, buffer: bytearray, known: Container[int]) -> int | None:
    """The frame's size by its own function and byte count; None: not known (yet)."""
    if len(buffer) < 2 or buffer[1] not in known:
        return None
    kind = decoder.lookupPduClass(bytes(buffer))
    return kind.calculateRtuFrameSize(bytes(buffer)) or None if kind is not None else None


_FUNCTIONS: Final = frozenset((1, 2, 3, 4, 5, 6, 15, 16))
_ANSWER_FUNCTIONS: Final = _FUNCTIONS | {function | _FAILED for function in _FUNCTIONS}


def _answer_size(buffer: bytearray) -> int | None:
    return _size(_ANSWERS, buffer, _ANSWER_FUNCTIONS)


def _request_size(buffer: bytearray) -> int | None:
    return _size(_REQUESTS, buffer, _FUNCTIONS)


def _expected_size(request: Request) -> int:
    match request:
        case ReadBits(count=count):
            return 5 + (count + 7) // 8
        case ReadRegisters(count=count):
            return 5 + 2 * count
        case _:
            return 8


def _understood(frame: bytes) -> Asked | Unanswerable:
    unit, function = frame[0], frame[1]
    if function not in _FUNCTIONS:
        return Unanswerable(unit, function & ~_FAILED, ExceptionCode.ILLEGAL_FUNCTION)
    illegal = Unanswerable(unit, function, ExceptionCode.ILLEGAL_VALUE)
    if len(frame) < 8 or len(frame) != _request_size(bytearray(frame)):
        return illegal
    address, second = struct.unpack(">HH", frame[2:6])
    request: Request
    if function in (5, 6):
        if function == 5 and second not in (0x0000, 0xFF00):
            return illegal
        request = (
            WriteBit(address, second == 0xFF00) if function == 5 else WriteRegister(address, second)
        )
        return Asked(unit, request)
    most = {1: 2000, 2: 2000, 15: 1968, 16: 123}.get(function, 125)
    if not 1 <= second <= most:
        return illegal
    if address + second > 0x10000:
        return Unanswerable(unit, function, ExceptionCode.ILLEGAL_ADDRESS)
    if function in (1, 2):
        return Asked(unit, ReadBits(address, second, inputs=function == 2))
    if function in (3, 4):
        return Asked(unit, ReadRegisters(address, second, inputs=function == 4))
    if frame[6] != ((second + 7) // 8 if function == 15 else 2 * second):
        return illegal
    pdu = _decoded(_REQUESTS, frame)
    if function == 15:
        return Asked(unit, WriteBits(address, tuple(bool(bit) for bit in pdu.bits)))
    return Asked(unit, WriteRegisters(address, tuple(pdu.registers)))


def with_checksum(octets: bytes) -> bytes:
    """The frame: `octets` (unit, function, data) and their CRC, low octet first."""
    return octets + FramerRTU.compute_CRC(octets).to_bytes(_CRC, "big")


def checksum_holds(frame: bytes) -> bool:
    """True if the last two octets are the CRC of those before."""
    return len(frame) > _CRC and _crc_holds(frame)
