"""Any APDU of DLMS/COSEM from its octets, by tag and choice (IEC 62056-5-3, 9.5).

`decode_apdu` raises `RemoteProtocolError` and nothing else, whatever the octets. Ciphered APDUs
come out as `CipheredApdu`, still closed; who holds the keys opens them with
`drivers.codecs.security`.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import error as StructError  # noqa: N812
from typing import TypeAlias

from drivers.codecs.acse import (
    AssociationRequest,
    AssociationResponse,
    ReleaseRequest,
    ReleaseResponse,
)
from drivers.codecs.axdr_length import octets_at
from drivers.codecs.ciphered_apdu import CIPHERED_TAGS, CipheredApdu
from drivers.codecs.cosem_data import data_at
from drivers.codecs.cosem_time import CosemDateTime
from drivers.codecs.errors import RemoteProtocolError
from drivers.codecs.initiate import ConfirmedServiceError, InitiateRequest, InitiateResponse
from drivers.codecs.xdlms import (
    ActionRequest,
    ActionRequestNext,
    ActionResponse,
    ActionResponseBlock,
    Attribute,
    DataNotification,
    EventNotification,
    ExceptionResponse,
    GetRequest,
    GetRequestNext,
    GetRequestWithList,
    GetResponse,
    GetResponseBlock,
    GetResponseWithList,
    SetRequest,
    SetRequestBlock,
    SetRequestFirstBlock,
    SetResponse,
    SetResponseBlock,
    SetResponseLastBlock,
    attribute_at,
    counted,
    method_at,
    result_at,
    results_at,
)

Request: TypeAlias = (
    GetRequest
    | GetRequestNext
    | GetRequestWithList
    | SetRequest
    | SetRequestFirstBlock
    | SetRequestBlock
    | ActionRequest
    | ActionRequestNext
)
Response: TypeAlias = (
    GetResponse
    | GetResponseBlock
    | GetResponseWithList
    | SetResponse
    | SetResponseBlock
    | SetResponseLastBlock
    | ActionResponse
    | ActionResponseBlock
)
Notification: TypeAlias = EventNotification | DataNotification
Apdu: TypeAlias = (
    Request
    | Response
    | Notification
    | ExceptionResponse
    | ConfirmedServiceError
    | InitiateRequest
    | InitiateResponse
    | AssociationRequest
    | AssociationResponse
    | ReleaseRequest
    | ReleaseResponse
    | CipheredApdu
)

_NOT_SUPPORTED = {
    0x41: "ded-initiate-request",
    0x48: "ded-initiate-response",
    0xD0: "ded-get-request",
    0xD1: "ded-set-request",
    0xD2: "ded-event-notification-request",
    0xD3: "ded-action-request",
    0xD4: "ded-get-response",
    0xD5: "ded-set-response",
    0xD7: "ded-action-response",
    0xD9: "access-request",
    0xDA: "access-response",
    0xDC: "general-ded-ciphering",
    0xDD: "general-ciphering",
    0xDF: "general-signing",
    0xE0: "general-block-transfer",
    0x05: "read-request",
    0x06: "write-request",
    0x0C: "read-response",
    0x0D: "write-response",
}


class UnsupportedApdu(RemoteProtocolError):
    """A well-known APDU, or choice of one, that this codec does not speak."""


def decode_apdu(octets: bytes) -> Apdu:
    """The APDU; RemoteProtocolError if it is malformed, `UnsupportedApdu` if we do not speak it."""
    if not octets:
        raise RemoteProtocolError("empty APDU")
    tag = octets[0]
    decoder = _BY_TAG.get(tag)
    try:
        if decoder is not None:
            return decoder(octets)
        if len(octets) > 2:
            part = _BY_CHOICE.get((tag, octets[1]))
            if part is not None:
                apdu, end = part(octets)
                if end != len(octets):
                    raise RemoteProtocolError(f"{len(octets) - end} octets behind the APDU")
                return apdu
        elif tag in _CHOICE_TAGS:
            raise IndexError
    except (IndexError, StructError):
        raise RemoteProtocolError(f"APDU {tag:02X} ends before it is complete") from None
    if tag in _CHOICE_TAGS:
        raise UnsupportedApdu(f"APDU {tag:02X} choice {octets[1]} is not supported")
    raise UnsupportedApdu(f"{_NOT_SUPPORTED.get(tag, f'APDU {tag:02X}')} is not supported")


def _number_at(octets: bytes, position: int) -> tuple[int, int]:
    end = position + 4
    if end > len(octets):
        raise IndexError
    return int.from_bytes(octets[position:end], "big"), end


def _block_at(octets: bytes, position: int) -> tuple[tuple[bool, int, bytes], int]:
    number, end = _number_at(octets, position + 1)
    raw, end = octets_at(octets, end)
    return (bool(octets[position]), number, raw), end


_Part = tuple[Request | Response, int]


def _get_request(octets: bytes) -> _Part:
    attribute, end = attribute_at(octets, 3)
    return GetRequest(octets[2], attribute), end


def _get_request_next(octets: bytes) -> _Part:
    number, end = _number_at(octets, 3)
    return GetRequestNext(octets[2], number), end


def _get_request_with_list(octets: bytes) -> _Part:
    count, position = counted(octets, 3)
    attributes = []
    for _ in range(count):
        attribute, position = attribute_at(octets, position)
        attributes.append(attribute)
    return GetRequestWithList(octets[2], tuple(attributes)), position


def _get_response(octets: bytes) -> _Part:
    result, end = result_at(octets, 3)
    return GetResponse(octets[2], result), end


def _get_response_block(octets: bytes) -> _Part:
    invoke, last = octets[2], bool(octets[3])
    number, position = _number_at(octets, 4)
    if octets[position]:
        return GetResponseBlock(invoke, last, number, failure=octets[position + 1]), position + 2
    raw, end = octets_at(octets, position + 1)
    return GetResponseBlock(invoke, last, number, raw), end


def _get_response_with_list(octets: bytes) -> _Part:
    results, end = results_at(octets, 3)
    return GetResponseWithList(octets[2], results), end


def _set_request(octets: bytes) -> _Part:
    attribute, position = attribute_at(octets, 3)
    value, end = data_at(octets, position)
    return SetRequest(octets[2], attribute, value), end


def _set_request_first_block(octets: bytes) -> _Part:
    attribute, position = attribute_at(octets, 3)
    block, end = _block_at(octets, position)
    return SetRequestFirstBlock(octets[2], attribute, *block), end


def _set_request_block(octets: bytes) -> _Part:
    block, end = _block_at(octets, 3)
    return SetRequestBlock(octets[2], *block), end


def _set_response(octets: bytes) -> _Part:
    return SetResponse(octets[2], octets[3]), 4


def _set_response_block(octets: bytes) -> _Part:
    number, end = _number_at(octets, 3)
    return SetResponseBlock(octets[2], number), end


def _set_response_last_block(octets: bytes) -> _Part:
    number, end = _number_at(octets, 4)
    return SetResponseLastBlock(octets[2], octets[3], number), end


def _action_request(octets: bytes) -> _Part:
    method, position = method_at(octets, 3)
    if not octets[position]:
        return ActionRequest(octets[2], method), position + 1
    parameters, end = data_at(octets, position + 1)
    return ActionRequest(octets[2], method, parameters), end


def _action_request_next(octets: bytes) -> _Part:
    number, end = _number_at(octets, 3)
    return ActionRequestNext(octets[2], number), end


def _action_response(octets: bytes) -> _Part:
    if not octets[4]:
        return ActionResponse(octets[2], octets[3]), 5
    result, end = result_at(octets, 5)
    return ActionResponse(octets[2], octets[3], result), end


def _action_response_block(octets: bytes) -> _Part:
    block, end = _block_at(octets, 3)
    return ActionResponseBlock(octets[2], *block), end


def _time_of(octets: bytes) -> CosemDateTime | None:
    return CosemDateTime.from_bytes(octets) if octets else None


def _event_notification(octets: bytes) -> Apdu:
    time, position = b"", 2
    if octets[1]:
        time, position = octets_at(octets, 2)
    method, position = method_at(octets, position)  # an attribute descriptor has the same shape
    value, end = data_at(octets, position)
    if end != len(octets):
        raise RemoteProtocolError("event-notification: octets behind its value")
    attribute = Attribute(method.class_id, method.name, method.index)
    return EventNotification(_time_of(time), attribute, value)


def _data_notification(octets: bytes) -> Apdu:
    invoke, position = _number_at(octets, 1)
    time, position = octets_at(octets, position)
    body, end = data_at(octets, position)
    if end != len(octets):
        raise RemoteProtocolError("data-notification: octets behind its body")
    return DataNotification(invoke, _time_of(time), body)


def _exception_response(octets: bytes) -> Apdu:
    if len(octets) == 3:
        return ExceptionResponse(octets[1], octets[2])
    counter, end = _number_at(octets, 3)
    if end != len(octets):
        raise RemoteProtocolError("exception-response: octets behind its end")
    return ExceptionResponse(octets[1], octets[2], counter)


_BY_TAG: dict[int, Callable[[bytes], Apdu]] = {
    0x01: InitiateRequest.from_bytes,
    0x08: InitiateResponse.from_bytes,
    0x0E: ConfirmedServiceError.from_bytes,
    0x0F: _data_notification,
    0x60: AssociationRequest.from_bytes,
    0x61: AssociationResponse.from_bytes,
    0x62: ReleaseRequest.from_bytes,
    0x63: ReleaseResponse.from_bytes,
    0xC2: _event_notification,
    0xD8: _exception_response,
    **dict.fromkeys(CIPHERED_TAGS, CipheredApdu.from_bytes),
}
_BY_CHOICE: dict[tuple[int, int], Callable[[bytes], _Part]] = {
    (0xC0, 1): _get_request,
    (0xC0, 2): _get_request_next,
    (0xC0, 3): _get_request_with_list,
    (0xC1, 1): _set_request,
    (0xC1, 2): _set_request_first_block,
    (0xC1, 3): _set_request_block,
    (0xC3, 1): _action_request,
    (0xC3, 2): _action_request_next,
    (0xC4, 1): _get_response,
    (0xC4, 2): _get_response_block,
    (0xC4, 3): _get_response_with_list,
    (0xC5, 1): _set_response,
    (0xC5, 2): _set_response_block,
    (0xC5, 3): _set_response_last_block,
    (0xC7, 1): _action_response,
    (0xC7, 2): _action_response_block,
}
_CHOICE_TAGS = frozenset(tag for tag, _ in _BY_CHOICE)
