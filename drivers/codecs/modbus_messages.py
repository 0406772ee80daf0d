"""What is asked on a Modbus line and what comes of it (Modbus Application Protocol V1.1b3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


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
