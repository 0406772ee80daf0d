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

from collections.abc import Container, Sequence

from drivers.codecs.errors import LocalProtocolError
from drivers.codecs.modbus_frames import (
    CRC,
    FAILED,
    LONGEST_FRAME,
    answer_frame,
    answer_size,
    checksum_holds,
    expected_size,
    function_of,
    refusal_frame,
    request_frame,
    request_size,
    understood,
    values_in,
)
from drivers.codecs.modbus_messages import (
    Asked,
    Corrupt,
    ExceptionReply,
    Foreign,
    Outcome,
    ReadBits,
    ReadRegisters,
    Request,
    Silence,
    Truncated,
    Unanswerable,
    Written,
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
        frame = request_frame(unit, request)
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
        size = answer_size(self._buffer)
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
        if received > CRC + 1 and checksum_holds(self._buffer):
            return self._closed(self._judged(received))
        function = self._frame[1]
        begins_right = self._buffer[0] == self._unit and (
            received == 1 or self._buffer[1] & ~FAILED == function
        )
        if not begins_right:
            return self._closed(Corrupt(f"{received} octets that are no answer"))
        expected = answer_size(self._buffer) or expected_size(self._asked)
        return self._closed(Truncated(received, expected))

    def _closed(self, outcome: Outcome) -> Outcome:
        self._asked = None
        self._buffer.clear()
        return outcome

    def _judged(self, size: int) -> Outcome:
        frame, asked = bytes(self._buffer[:size]), self._asked
        assert asked is not None, "only called while a question is open"
        if not checksum_holds(frame):
            return Corrupt("the checksum (CRC) fails")
        if frame[0] != self._unit:
            return Foreign(f"unit: expected {self._unit}, got {frame[0]}")
        function = self._frame[1]
        if frame[1] & ~FAILED != function:
            return Foreign(f"function: expected {function}, got {frame[1]}")
        if len(self._buffer) > size:
            return Foreign(f"{len(self._buffer) - size} octets follow the answer")
        if frame[1] & FAILED:
            return ExceptionReply(frame[2])
        if size != expected_size(asked):
            return Foreign(f"answer of {size} octets, expected {expected_size(asked)}")
        if isinstance(asked, ReadBits | ReadRegisters):
            if frame[2] != size - 5:
                return Foreign(f"byte count: expected {size - 5}, got {frame[2]}")
            return values_in(frame, asked)
        # A write is answered with the address and the value, or the count, of the request.
        if frame[2:6] != self._frame[2:6]:
            return Foreign(f"repeats {frame[2:6].hex()}, expected {self._frame[2:6].hex()}")
        return Written()


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
            size = request_size(self._buffer)
            if size is not None and len(self._buffer) >= size:
                self._take(found)
            elif len(self._buffer) >= LONGEST_FRAME:
                self._lost = True
        return found

    def gap(self) -> list[Asked | Unanswerable]:
        """The line was silent: what came so far is a whole frame or none."""
        found: list[Asked | Unanswerable] = []
        if not self._lost and len(self._buffer) > CRC + 1:
            self._take(found)
        self._buffer.clear()
        self._lost = False
        return found

    def answer(self, asked: Asked, values: Sequence[bool] | Sequence[int] = ()) -> bytes:
        """The frame that answers; `values`: what was read, exactly as many as asked for."""
        request = asked.request
        if isinstance(request, ReadBits | ReadRegisters) and len(values) != request.count:
            raise LocalProtocolError(f"Modbus: expected {request.count} values, got {len(values)}")
        return answer_frame(asked.unit, request, values)

    def refuse(self, asked: Asked | Unanswerable, code: int) -> bytes:
        function = asked.function if isinstance(asked, Unanswerable) else function_of(asked.request)
        return refusal_frame(asked.unit, function, code)

    def _take(self, found: list[Asked | Unanswerable]) -> None:
        frame = bytes(self._buffer)
        self._buffer.clear()
        if not checksum_holds(frame):
            self._lost = True
        elif frame[0] in self._units:
            found.append(understood(frame))
