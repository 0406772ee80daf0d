"""A Modbus RTU line: requests one way, answers the other, each with its CRC."""

from __future__ import annotations

import struct
from typing import Final

from drivers.capture.framing import Found, Recognised, parted
from drivers.capture.messages import Decoded
from drivers.capture.records import Direction
from drivers.capture.tape import Tape
from drivers.codecs.modbus_frames import LONGEST_FRAME, checksum_holds
from drivers.codecs.modbus_messages import ExceptionCode

_NAMES: Final = {
    1: "read-coils",
    2: "read-discrete-inputs",
    3: "read-holding-registers",
    4: "read-input-registers",
    5: "write-coil",
    6: "write-register",
    15: "write-coils",
    16: "write-registers",
}
_FAILED: Final = 0x80
_SHORTEST: Final = 5


class ModbusFramer:
    """One side of the line. `requests`: what the bench says; what the units say otherwise."""

    def __init__(self, direction: Direction) -> None:
        self.sound = 0
        self._requests = direction is Direction.OUT

    def part(self, tape: Tape) -> list[Found]:
        return parted(tape, self._frame_at, "modbus")

    def _frame_at(self, tape: Tape, place: int) -> Recognised | None:
        frame = tape.octets[place : place + LONGEST_FRAME]
        if len(frame) < _SHORTEST - 1:
            return None
        # By its own length; else all that is left, for functions that are not known here.
        for size in (self._size(frame), len(tape) - place):
            if size is not None and _SHORTEST - 1 <= size <= len(frame):
                whole = frame[:size]
                if checksum_holds(whole):
                    self.sound += 1
                    return size, self._meaning(whole)
        return None

    def _size(self, frame: bytes) -> int | None:
        function = frame[1]
        if function & _FAILED:
            return _SHORTEST
        if function not in _NAMES:
            return None
        if self._requests:
            return 9 + frame[6] if function > 6 and len(frame) > 6 else 8
        return 5 + frame[2] if function <= 4 else 8

    def _meaning(self, frame: bytes) -> Decoded:
        unit, function = frame[0], frame[1] & ~_FAILED
        name = _NAMES.get(function, f"function {function}")
        if frame[1] & _FAILED and not self._requests:
            kind = f"{name} refused"
            return Decoded("modbus", kind, f"unit {unit}: {kind}: {_exception(frame[2])}")
        body = frame[2:-2]
        try:
            said = self._request(function, body) if self._requests else _answer(function, body)
        except struct.error:
            said = body.hex()
        kind = name if self._requests else f"{name} answer"
        return Decoded("modbus", kind, f"unit {unit}: {kind}: {said}")

    def _request(self, function: int, body: bytes) -> str:
        if function not in _NAMES:
            return body.hex()
        address, second = struct.unpack(">HH", body[:4])
        if function == 5:
            return f"{address} = {_coil(second)}"
        if function == 6:
            return f"{address} = {second}"
        asked = f"{address}, {second} of them"
        if function == 15:
            return f"{asked} = {_bits(body[5:], second)}"
        return f"{asked} = {_words(body[5:])}" if function == 16 else asked


def _answer(function: int, body: bytes) -> str:
    if function in (1, 2):
        return _bits(body[1:], 8 * len(body[1:]))
    if function in (3, 4):
        return _words(body[1:])
    if function not in _NAMES:
        return body.hex()
    address, second = struct.unpack(">HH", body)
    if function == 5:
        return f"{address} = {_coil(second)}"
    return f"{address} = {second}" if function == 6 else f"{address}, {second} of them"


def _coil(value: int) -> str:
    return {0xFF00: "on", 0: "off"}.get(value, str(value))


def _exception(code: int) -> str:
    try:
        return f"{ExceptionCode(code).name.lower().replace('_', '-')} ({code})"
    except ValueError:
        return f"code {code}"


def _bits(octets: bytes, count: int) -> str:
    return "".join(str(octets[n // 8] >> n % 8 & 1) for n in range(min(count, 8 * len(octets))))


def _words(octets: bytes) -> str:
    return " ".join(str(word) for (word,) in struct.iter_unpack(">H", octets))
