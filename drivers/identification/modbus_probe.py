"""Whether Modbus RTU units answer, what they say of themselves, and which tables they have.

Only functions that read: Read Device Identification (43/14) and reads of coils, inputs and
registers. Nothing is ever written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from drivers.codecs.modbus_device_id import Identified, identification_request, read_answer
from drivers.codecs.modbus_messages import BitsRead, ReadBits, ReadRegisters, RegistersRead
from drivers.codecs.modbus_rtu import ModbusClient
from drivers.identification.asking import Question
from drivers.identification.findings import UnitFound

_TABLES: Final[Sequence[tuple[str, Callable[[int], ReadBits | ReadRegisters]]]] = (
    ("coils", lambda count: ReadBits(0, count)),
    ("discrete-inputs", lambda count: ReadBits(0, count, inputs=True)),
    ("input-registers", lambda count: ReadRegisters(0, count, inputs=True)),
    ("holding-registers", lambda count: ReadRegisters(0, count)),
)
_COUNTS: Final = (1, 2, 4, 8, 16, 32)


def answers(question: Question, unit: int) -> Identified | None:
    """What the unit says to Read Device Identification; None: nothing that is an answer."""
    heard = bytearray()

    def decide(data: bytes) -> Identified | None:
        heard.extend(data)
        return read_answer(unit, bytes(heard))

    return question.ask(identification_request(unit), decide)


def tables(question: Question, unit: int) -> dict[str, int]:
    """How many entries of each table can be read from 0 on: 0 where none can, of 32 at most."""
    return {name: _readable(question, unit, asking) for name, asking in _TABLES}


def _readable(
    question: Question, unit: int, asking: Callable[[int], ReadBits | ReadRegisters]
) -> int:
    readable = 0
    for count in _COUNTS:
        client = ModbusClient()
        outcome = question.ask(client.request(unit, asking(count)), client.feed)
        if not isinstance(outcome, BitsRead | RegistersRead):
            break
        readable = count
    return readable


def unit_found(question: Question, unit: int, said: Identified) -> UnitFound:
    return UnitFound(unit, said.objects, tables(question, unit))
