"""Modbus RTU for the pipe faults."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from drivers.codecs.modbus_frames import with_checksum
from drivers.codecs.modbus_messages import ExceptionCode
from drivers.pipe_faults.speech import OTHER, Exchanged, Refusing, WireProtocol, different

_OPERATIONS: Final = {
    1: "read-coils",
    2: "read-discrete-inputs",
    3: "read-holding-registers",
    4: "read-input-registers",
    5: "write-coil",
    6: "write-register",
    15: "write-coils",
    16: "write-registers",
}
_NEIGHBOUR: Final = {1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5, 15: 16, 16: 15}
"""A function whose answers look the same, for an answer to a question that nobody asked."""
_FAILED: Final = 0x80
_USER_DEFINED: Final = 0x41
_SHORTEST: Final = 5
_LONGEST_UNIT: Final = 247


class ModbusSpeech:
    """A `Speech` with checksums. A request or answer that is cut short is left as it is."""

    protocol: Final = WireProtocol.MODBUS
    operations: Final = frozenset((*_OPERATIONS.values(), OTHER))

    def operation(self, request: bytes) -> str:
        return _OPERATIONS.get(request[1], OTHER) if len(request) > 1 else OTHER

    def withheld(self, request: bytes) -> bytes:
        return b""

    def refusal(self, request: bytes, answer: bytes, how: Refusing, code: str) -> bytes | None:
        if len(request) < 2:
            return None
        usual = ExceptionCode.BUSY if how is Refusing.BUSY else ExceptionCode.ILLEGAL_ADDRESS
        number = int(code) if code else usual
        return with_checksum(bytes((request[0], request[1] | _FAILED, number)))

    def refusal_problem(self, code: str) -> str | None:
        if not code or (code.isascii() and code.isdigit() and 0 < int(code[:4]) < 256):
            return None
        return f"code: expected an exception code of 1 to 255, got {code!r}"

    def unknown(self, request: bytes, answer: bytes) -> bytes | None:
        return with_checksum(bytes((answer[0], _USER_DEFINED, 0, 0))) if answer else None

    def to_another(
        self, request: bytes, answer: bytes, earlier: Sequence[Exchanged]
    ) -> bytes | None:
        """Without an earlier one: an answer of another function.

        An earlier answer of the same function and size cannot be told from the right one.
        """
        other = different(request, answer, earlier)
        if other is not None:
            return other.answer
        if len(answer) < _SHORTEST:
            return None
        function = answer[1] & ~_FAILED
        neighbour = _NEIGHBOUR.get(function, _USER_DEFINED) | answer[1] & _FAILED
        return with_checksum(bytes((answer[0], neighbour)) + answer[2:-2])

    def altered(self, answer: bytes, rng: random.Random) -> bytes | None:
        if len(answer) < _SHORTEST:
            return None
        # What follows a read's byte count; without one, all that follows the function.
        begins = 3 if answer[1] <= 4 and len(answer) > _SHORTEST else 2
        frame = bytearray(answer[:-2])
        frame[rng.randrange(begins, len(frame))] ^= 1 << rng.randrange(8)
        return with_checksum(bytes(frame))

    def from_another(self, answer: bytes) -> bytes | None:
        if len(answer) < _SHORTEST:
            return None
        unit = answer[0] % _LONGEST_UNIT + 1
        return with_checksum(bytes((unit,)) + answer[1:-2])
