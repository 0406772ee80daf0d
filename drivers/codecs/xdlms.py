"""xDLMS services by logical name: GET, SET, ACTION, notifications, exceptions (IEC 62056-5-3, 9.4).

`invoke` is the whole invoke-id-and-priority octet: the invoke-id in the low four bits, 0x40
confirmed, 0x80 high priority. A `raw` field is one block of the encoding of a longer value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct

from drivers.codecs.axdr_length import decode_length, encode_length
from drivers.codecs.cosem_data import data_at, encode_data
from drivers.codecs.cosem_time import CosemDateTime
from drivers.codecs.cosem_types import CosemData
from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError
from drivers.codecs.obis import obis_text


class AccessResult(IntEnum):
    """data-access-result and action-result share these numbers."""

    SUCCESS = 0
    HARDWARE_FAULT = 1
    TEMPORARY_FAILURE = 2
    READ_WRITE_DENIED = 3
    OBJECT_UNDEFINED = 4
    OBJECT_CLASS_INCONSISTENT = 9
    OBJECT_UNAVAILABLE = 11
    TYPE_UNMATCHED = 12
    SCOPE_OF_ACCESS_VIOLATED = 13
    DATA_BLOCK_UNAVAILABLE = 14
    LONG_TRANSFER_ABORTED = 15
    NO_LONG_TRANSFER_IN_PROGRESS = 16
    LONG_SET_ABORTED = 17
    NO_LONG_SET_IN_PROGRESS = 18
    DATA_BLOCK_NUMBER_INVALID = 19
    OTHER_REASON = 250


def access_result_name(code: int) -> str:
    """The name in the standard, or the number of a code the standard does not know."""
    try:
        return AccessResult(code).name.lower().replace("_", "-")
    except ValueError:
        return f"result {code}"


@dataclass(frozen=True, slots=True)
class AccessFailure:
    """In place of a value: the device refused with this code."""

    code: int

    def __str__(self) -> str:
        return access_result_name(self.code)


@dataclass(frozen=True, slots=True)
class SelectiveAccess:
    selector: int
    parameters: CosemData


_TARGET = Struct(">H6sb")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a COSEM object. `name` is its logical name, six octets."""

    class_id: int
    name: bytes
    index: int
    access: SelectiveAccess | None = None

    def to_bytes(self) -> bytes:
        octets = _target(self.class_id, self.name, self.index)
        access = self.access
        if access is None:
            return octets + b"\x00"
        return octets + b"\x01%c%b" % (access.selector, encode_data(access.parameters))

    def __str__(self) -> str:
        return f"class {self.class_id} {obis_text(self.name)} attribute {self.index}"


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a COSEM object."""

    class_id: int
    name: bytes
    index: int

    def to_bytes(self) -> bytes:
        return _target(self.class_id, self.name, self.index)

    def __str__(self) -> str:
        return f"class {self.class_id} {obis_text(self.name)} method {self.index}"


REPLY_TO_HLS = Method(15, bytes((0, 0, 40, 0, 0, 255)), 1)
"""Current association, reply_to_HLS_authentication: passes 3 and 4 of HLS."""


def _target(class_id: int, name: bytes, index: int) -> bytes:
    if len(name) != 6 or not 0 <= class_id <= 0xFFFF or not -128 <= index <= 127:
        raise LocalProtocolError(f"no COSEM target: class {class_id}, name {name!r}, index {index}")
    return _TARGET.pack(class_id, name, index)


def attribute_at(octets: bytes, position: int) -> tuple[Attribute, int]:
    """The attribute, with its selective access, at `position` and where it ends."""
    class_id, name, index = _TARGET.unpack_from(octets, position)
    position += 9
    if not octets[position]:
        return Attribute(class_id, name, index), position + 1
    selector = octets[position + 1]
    parameters, position = data_at(octets, position + 2)
    return Attribute(class_id, name, index, SelectiveAccess(selector, parameters)), position


def method_at(octets: bytes, position: int) -> tuple[Method, int]:
    """The method at `position` and where it ends."""
    return Method(*_TARGET.unpack_from(octets, position)), position + 9


# -- GET -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GetRequest:
    invoke: int
    attribute: Attribute

    def to_bytes(self) -> bytes:
        return b"\xc0\x01%c%b" % (self.invoke, self.attribute.to_bytes())


@dataclass(frozen=True, slots=True)
class GetRequestNext:
    """`block` is the number of the block received last."""

    invoke: int
    block: int

    def to_bytes(self) -> bytes:
        return b"\xc0\x02%c%b" % (self.invoke, _block_number(self.block))


@dataclass(frozen=True, slots=True)
class GetRequestWithList:
    invoke: int
    attributes: tuple[Attribute, ...]

    def to_bytes(self) -> bytes:
        return b"\xc0\x03%c%b%b" % (
            self.invoke,
            encode_length(len(self.attributes)),
            b"".join(attribute.to_bytes() for attribute in self.attributes),
        )


@dataclass(frozen=True, slots=True)
class GetResponse:
    invoke: int
    result: CosemData | AccessFailure

    def to_bytes(self) -> bytes:
        return b"\xc4\x01%c%b" % (self.invoke, encode_result(self.result))


@dataclass(frozen=True, slots=True)
class GetResponseBlock:
    """`failure` ends the transfer; then `raw` is empty."""

    invoke: int
    last: bool
    block: int
    raw: bytes = field(default=b"", repr=False)
    failure: int | None = None

    def to_bytes(self) -> bytes:
        head = b"\xc4\x02%c%c%b" % (self.invoke, self.last, _block_number(self.block))
        if self.failure is not None:
            return head + b"\x01%c" % self.failure
        return head + b"\x00" + encode_length(len(self.raw)) + self.raw


@dataclass(frozen=True, slots=True)
class GetResponseWithList:
    invoke: int
    results: tuple[CosemData | AccessFailure, ...]

    def to_bytes(self) -> bytes:
        return b"\xc4\x03%c%b" % (self.invoke, encode_results(self.results))


# -- SET -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetRequest:
    invoke: int
    attribute: Attribute
    value: CosemData = field(repr=False)  # may be a password

    def to_bytes(self) -> bytes:
        return b"\xc1\x01%c%b%b" % (
            self.invoke,
            self.attribute.to_bytes(),
            encode_data(self.value),
        )


@dataclass(frozen=True, slots=True)
class SetRequestFirstBlock:
    invoke: int
    attribute: Attribute
    last: bool
    block: int
    raw: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        return b"\xc1\x02%c%b%b" % (
            self.invoke,
            self.attribute.to_bytes(),
            _block(self.last, self.block, self.raw),
        )


@dataclass(frozen=True, slots=True)
class SetRequestBlock:
    invoke: int
    last: bool
    block: int
    raw: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        return b"\xc1\x03%c%b" % (self.invoke, _block(self.last, self.block, self.raw))


@dataclass(frozen=True, slots=True)
class SetResponse:
    invoke: int
    code: int

    def to_bytes(self) -> bytes:
        return b"\xc5\x01%c%c" % (self.invoke, self.code)


@dataclass(frozen=True, slots=True)
class SetResponseBlock:
    """The server has the block and asks for the next."""

    invoke: int
    block: int

    def to_bytes(self) -> bytes:
        return b"\xc5\x02%c%b" % (self.invoke, _block_number(self.block))


@dataclass(frozen=True, slots=True)
class SetResponseLastBlock:
    invoke: int
    code: int
    block: int

    def to_bytes(self) -> bytes:
        return b"\xc5\x03%c%c%b" % (self.invoke, self.code, _block_number(self.block))


# -- ACTION --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """`parameters` None: none were given."""

    invoke: int
    method: Method
    parameters: CosemData = field(default=None, repr=False)  # may hold a wrapped key

    def to_bytes(self) -> bytes:
        parameters = self.parameters
        return b"\xc3\x01%c%b%b" % (
            self.invoke,
            self.method.to_bytes(),
            b"\x00" if parameters is None else b"\x01" + encode_data(parameters),
        )


@dataclass(frozen=True, slots=True)
class ActionRequestNext:
    """`block` is the number of the block received last."""

    invoke: int
    block: int

    def to_bytes(self) -> bytes:
        return b"\xc3\x02%c%b" % (self.invoke, _block_number(self.block))


@dataclass(frozen=True, slots=True)
class ActionResponse:
    """`result` None: the method returned nothing."""

    invoke: int
    code: int
    result: CosemData | AccessFailure = None

    def to_bytes(self) -> bytes:
        result = self.result
        tail = b"\x00" if result is None else b"\x01" + encode_result(result)
        return b"\xc7\x01%c%c%b" % (self.invoke, self.code, tail)


@dataclass(frozen=True, slots=True)
class ActionResponseBlock:
    """One block of the action's return parameters."""

    invoke: int
    last: bool
    block: int
    raw: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        return b"\xc7\x02%c%b" % (self.invoke, _block(self.last, self.block, self.raw))


# -- unsolicited, refused ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EventNotification:
    at: CosemDateTime | None
    attribute: Attribute
    value: CosemData

    def to_bytes(self) -> bytes:
        time = b"\x00" if self.at is None else b"\x01\x0c" + self.at.to_bytes()
        attribute = self.attribute
        target = _target(attribute.class_id, attribute.name, attribute.index)
        return b"\xc2" + time + target + encode_data(self.value)


@dataclass(frozen=True, slots=True)
class DataNotification:
    """`invoke` is the long invoke-id-and-priority, 32 bits."""

    invoke: int
    at: CosemDateTime | None
    body: CosemData

    def to_bytes(self) -> bytes:
        time = b"\x00" if self.at is None else b"\x0c" + self.at.to_bytes()
        return b"\x0f" + _block_number(self.invoke) + time + encode_data(self.body)


class StateError(IntEnum):
    SERVICE_NOT_ALLOWED = 1
    SERVICE_UNKNOWN = 2


class ServiceError(IntEnum):
    OPERATION_NOT_POSSIBLE = 1
    SERVICE_NOT_SUPPORTED = 2
    OTHER_REASON = 3
    PDU_TOO_LONG = 4
    DECIPHERING_ERROR = 5
    INVOCATION_COUNTER_ERROR = 6


@dataclass(frozen=True, slots=True)
class ExceptionResponse:
    """`expected_counter` comes with an invocation-counter-error: the newest the server has seen."""

    state_error: int
    service_error: int
    expected_counter: int | None = None

    def to_bytes(self) -> bytes:
        head = b"\xd8%c%c" % (self.state_error, self.service_error)
        if self.expected_counter is None:
            return head
        return head + _block_number(self.expected_counter)

    def __str__(self) -> str:
        try:
            error = ServiceError(self.service_error).name.lower().replace("_", "-")
        except ValueError:
            error = f"service error {self.service_error}"
        if self.expected_counter is None:
            return error
        return f"{error}, newest seen {self.expected_counter}"


# -- parts ---------------------------------------------------------------------------------------


def _block_number(number: int) -> bytes:
    try:
        return number.to_bytes(4, "big")
    except OverflowError:
        raise LocalProtocolError(f"expected 32 bits, got {number}") from None


def _block(last: bool, number: int, raw: bytes) -> bytes:
    return b"%c%b%b%b" % (last, _block_number(number), encode_length(len(raw)), raw)


def encode_result(result: CosemData | AccessFailure) -> bytes:
    """Get-Data-Result: the value, or why there is none."""
    if isinstance(result, AccessFailure):
        return bytes((1, result.code))
    return b"\x00" + encode_data(result)


def encode_results(results: tuple[CosemData | AccessFailure, ...]) -> bytes:
    return encode_length(len(results)) + b"".join(map(encode_result, results))


def result_at(octets: bytes, position: int) -> tuple[CosemData | AccessFailure, int]:
    """The Get-Data-Result at `position` and where it ends."""
    if octets[position] == 0:
        return data_at(octets, position + 1)
    return AccessFailure(octets[position + 1]), position + 2


def counted(octets: bytes, position: int) -> tuple[int, int]:
    """A count of things of one octet or more, refused if the octets cannot hold them."""
    count, position = decode_length(octets, position)
    if count > len(octets) - position:
        raise RemoteProtocolError(f"list of {count} in {len(octets) - position} octets")
    return count, position


def results_at(octets: bytes, position: int) -> tuple[tuple[CosemData | AccessFailure, ...], int]:
    """The list of Get-Data-Results at `position` and where it ends."""
    count, position = counted(octets, position)
    results = []
    for _ in range(count):
        result, position = result_at(octets, position)
        results.append(result)
    return tuple(results), position
