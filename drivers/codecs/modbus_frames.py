"""Modbus RTU frames: pymodbus' PDUs and RTU framer, and nothing of it elsewhere."""

from __future__ import annotations

import struct
from collections.abc import Container, Sequence
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
from drivers.codecs.modbus_messages import (
    Asked,
    BitsRead,
    ExceptionCode,
    ReadBits,
    ReadRegisters,
    RegistersRead,
    Request,
    Unanswerable,
    WriteBit,
    WriteBits,
    WriteRegister,
    WriteRegisters,
)

LONGEST_FRAME: Final = 256
CRC: Final = 2
"""Octets of the checksum."""
FAILED: Final = 0x80
"""Set in the function of an answer that says no."""
_ANSWERS: Final = DecodePDU(is_server=False)
_REQUESTS: Final = DecodePDU(is_server=True)
_FRAMER: Final = FramerRTU(_ANSWERS)


def request_frame(unit: int, request: Request) -> bytes:
    """`LocalProtocolError`: an address, a count or a value is out of range."""
    return _built(unit, _request_pdu(request))


def answer_frame(unit: int, request: Request, values: Sequence[bool] | Sequence[int] = ()) -> bytes:
    """`values`: what was read, as many as `request` asks for; nothing for a write."""
    return _built(unit, _answer_pdu(request, values))


def refusal_frame(unit: int, function: int, code: int) -> bytes:
    """An exception answer."""
    return _built(unit, ExceptionResponse(function, code))


def function_of(request: Request) -> int:
    return _request_pdu(request).function_code


def values_in(frame: bytes, asked: ReadBits | ReadRegisters) -> BitsRead | RegistersRead:
    """What a whole answer to `asked`, checked for its size, holds."""
    pdu = _decoded(_ANSWERS, frame)
    if isinstance(asked, ReadBits):
        return BitsRead(tuple(bool(bit) for bit in pdu.bits[: asked.count]))
    return RegistersRead(tuple(pdu.registers))


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


def _decoded(decoder: DecodePDU, frame: bytes) -> ModbusPDU:
    pdu = decoder.decode(frame[1:-CRC])
    assert pdu is not None, "function and lengths were checked before"
    return pdu


def _size(decoder: DecodePDU, buffer: bytearray, known: Container[int]) -> int | None:
    """The frame's size by its own function and byte count; None: not known (yet)."""
    if len(buffer) < 2 or buffer[1] not in known:
        return None
    kind = decoder.lookupPduClass(bytes(buffer))
    return kind.calculateRtuFrameSize(bytes(buffer)) or None if kind is not None else None


_FUNCTIONS: Final = frozenset((1, 2, 3, 4, 5, 6, 15, 16))
_ANSWERED: Final = _FUNCTIONS | {function | FAILED for function in _FUNCTIONS}


def answer_size(buffer: bytearray) -> int | None:
    """Of the answer that begins so; None: not known (yet)."""
    return _size(_ANSWERS, buffer, _ANSWERED)


def request_size(buffer: bytearray) -> int | None:
    """Of the request that begins so; None: not known (yet)."""
    return _size(_REQUESTS, buffer, _FUNCTIONS)


def expected_size(request: Request) -> int:
    """Of the answer to it, if it is not refused."""
    match request:
        case ReadBits(count=count):
            return 5 + (count + 7) // 8
        case ReadRegisters(count=count):
            return 5 + 2 * count
        case _:
            return 8


def understood(frame: bytes) -> Asked | Unanswerable:
    """A frame with a right checksum as a request."""
    unit, function = frame[0], frame[1]
    if function not in _FUNCTIONS:
        return Unanswerable(unit, function & ~FAILED, ExceptionCode.ILLEGAL_FUNCTION)
    illegal = Unanswerable(unit, function, ExceptionCode.ILLEGAL_VALUE)
    if len(frame) < 8 or len(frame) != request_size(bytearray(frame)):
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
    return octets + FramerRTU.compute_CRC(octets).to_bytes(CRC, "big")


def checksum_holds(frame: bytes | bytearray) -> bool:
    """True if the last two octets are the CRC of those before."""
    octets = bytes(frame)
    return len(octets) > CRC and FramerRTU.check_CRC(
        octets[:-CRC], int.from_bytes(octets[-CRC:], "big")
    )
