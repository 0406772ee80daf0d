"""DLMS APDUs in words."""

from __future__ import annotations

from typing import Final

from drivers.capture.messages import Decoded
from drivers.capture.tape import Tape, fit, hex_text, plain_text
from drivers.codecs.acse import (
    AssociationRequest,
    AssociationResponse,
    AssociationResult,
    Mechanism,
    ReleaseRequest,
    ReleaseResponse,
    diagnostic_name,
)
from drivers.codecs.apdu import Apdu, decode_apdu
from drivers.codecs.ciphered_apdu import GENERAL_GLO, PLAIN_OF, CipheredApdu
from drivers.codecs.cosem_time import CosemDate, CosemDateTime, CosemTime
from drivers.codecs.cosem_types import BitString, CosemData, CosemInteger
from drivers.codecs.errors import ProtocolError
from drivers.codecs.initiate import ConfirmedServiceError, InitiateRequest, InitiateResponse
from drivers.codecs.xdlms import (
    AccessFailure,
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
    Method,
    SetRequest,
    SetRequestBlock,
    SetRequestFirstBlock,
    SetResponse,
    SetResponseBlock,
    SetResponseLastBlock,
    access_result_name,
)

_PLAIN_NAMES: Final = {
    0x01: "initiate-request",
    0x08: "initiate-response",
    0x0E: "confirmed-service-error",
    0xC0: "get-request",
    0xC1: "set-request",
    0xC2: "event-notification",
    0xC3: "action-request",
    0xC4: "get-response",
    0xC5: "set-response",
    0xC7: "action-response",
}
_PROTECTION: Final = {
    0: "plain",
    0x10: "authenticated",
    0x20: "encrypted",
    0x30: "authenticated, encrypted",
}
_LONGEST_VALUE: Final = 400
_DATE_TIME_OCTETS: Final = 12
_YEARS: Final = range(1990, 2100)


def read_apdu(tape: Tape) -> Decoded:
    """What the APDU is; octets that are none are shown with the reason. Never raises."""
    try:
        apdu = decode_apdu(tape.octets)
    except ProtocolError as error:
        return Decoded("dlms", "no APDU", f"APDU {hex_text(tape.segments)}", fit(str(error)))
    name, text = _Words(tape).of(apdu)
    return Decoded("dlms", name, f"{name}{': ' if text else ''}{text}")


class _Words:
    """The words for one APDU; `tape` knows what is hidden in it."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def of(self, apdu: Apdu) -> tuple[str, str]:
        """Its name, and what it says."""
        match apdu:
            case AssociationRequest():
                return "AARQ", self._association(apdu)
            case AssociationResponse():
                return "AARE", self._associated(apdu)
            case ReleaseRequest():
                return "RLRQ", ""
            case ReleaseResponse():
                return "RLRE", ""
            case CipheredApdu():
                return self._ciphered(apdu)
            case ExceptionResponse():
                return "exception-response", str(apdu)
            case ConfirmedServiceError():
                return "confirmed-service-error", str(apdu)
            case InitiateRequest() | InitiateResponse():
                asks = isinstance(apdu, InitiateRequest)
                name = "initiate-request" if asks else "initiate-response"
                return name, f"max PDU {apdu.max_pdu}"
            case EventNotification():
                said = f"{apdu.attribute} = {self.value(apdu.value)}"
                return "event-notification", said
            case DataNotification():
                return "data-notification", self.value(apdu.body)
            case _:
                return self._service(apdu)

    def value(self, value: CosemData) -> str:
        text = self._value(value)
        return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"

    def _service(self, apdu: Apdu) -> tuple[str, str]:
        match apdu:
            case GetRequest():
                return f"get-request {_target(apdu.attribute)}", _invoke(apdu.invoke)
            case GetRequestNext() | ActionRequestNext():
                get = "get" if isinstance(apdu, GetRequestNext) else "action"
                return f"{get}-request-next", f"after block {apdu.block}{_also(apdu.invoke)}"
            case GetRequestWithList():
                asked = ", ".join(_target(attribute) for attribute in apdu.attributes)
                return "get-request-with-list", asked + _also(apdu.invoke)
            case GetResponse():
                return "get-response", self._result(apdu.result) + _also(apdu.invoke)
            case GetResponseWithList():
                results = "; ".join(self._result(result) for result in apdu.results)
                return "get-response-with-list", results + _also(apdu.invoke)
            case GetResponseBlock():
                if apdu.failure is not None:
                    return "get-response-block", str(AccessFailure(apdu.failure))
                return "get-response-block", self._block(apdu.block, apdu.last, apdu.raw)
            case SetRequest():
                said = f"= {self.value(apdu.value)}{_also(apdu.invoke)}"
                return f"set-request {_target(apdu.attribute)}", said
            case SetRequestFirstBlock():
                said = self._block(apdu.block, apdu.last, apdu.raw)
                return f"set-request-first-block {_target(apdu.attribute)}", said
            case SetRequestBlock():
                return "set-request-block", self._block(apdu.block, apdu.last, apdu.raw)
            case SetResponse():
                return "set-response", access_result_name(apdu.code) + _also(apdu.invoke)
            case SetResponseBlock():
                return "set-response-block", f"has block {apdu.block}{_also(apdu.invoke)}"
            case SetResponseLastBlock():
                return "set-response-last-block", access_result_name(apdu.code)
            case ActionRequest():
                given = "" if apdu.parameters is None else f"({self.value(apdu.parameters)})"
                return f"action-request {_target(apdu.method)}", given + _also(apdu.invoke)
            case ActionResponse():
                given = "" if apdu.result is None else f", {self._result(apdu.result)}"
                return "action-response", f"{access_result_name(apdu.code)}{given}"
            case ActionResponseBlock():
                return "action-response-block", self._block(apdu.block, apdu.last, apdu.raw)
        return type(apdu).__name__, ""

    def _association(self, apdu: AssociationRequest) -> str:
        parts = [_context(apdu.context), _mechanism(apdu.mechanism)]
        if apdu.calling_title is not None:
            parts.append(f"title {self._octets(apdu.calling_title)}")
        if apdu.authentication_value is not None:
            parts.append(f"value {self._octets(apdu.authentication_value)}")
        return ", ".join(parts)

    def _associated(self, apdu: AssociationResponse) -> str:
        try:
            result = AssociationResult(apdu.result).name.lower().replace("_", "-")
        except ValueError:
            result = f"result {apdu.result}"
        parts = [result, _context(apdu.context), _mechanism(apdu.mechanism)]
        if apdu.diagnostic:
            parts.append(diagnostic_name(apdu.diagnostic))
        if apdu.responding_title is not None:
            parts.append(f"title {self._octets(apdu.responding_title)}")
        if apdu.authentication_value is not None:
            parts.append(f"value {self._octets(apdu.authentication_value)}")
        return ", ".join(parts)

    def _ciphered(self, apdu: CipheredApdu) -> tuple[str, str]:
        general = apdu.tag == GENERAL_GLO
        name = "general-glo-ciphering" if general else f"glo-{_PLAIN_NAMES[PLAIN_OF[apdu.tag]]}"
        control = apdu.security_control
        how = _PROTECTION[control & 0x30]
        suite = f", suite {control & 0x0F}" if control & 0x0F else ""
        title = f", title {self._octets(apdu.title)}" if apdu.title else ""
        said = f"counter {apdu.invocation_counter}, {how}{suite}{title}, {len(apdu.body)} octets"
        return name, said

    def _block(self, number: int, last: bool, raw: bytes) -> str:
        return f"block {number}{' (last)' if last else ''}, {len(raw)} octets"

    def _result(self, result: CosemData | AccessFailure) -> str:
        return str(result) if isinstance(result, AccessFailure) else self.value(result)

    def _value(self, value: CosemData) -> str:
        match value:
            case None:
                return "null"
            case bool():
                return str(value).lower()
            case CosemInteger():
                return str(int(value))
            case bytes():
                return self._octets(value) + _as_date_time(value)
            case BitString():
                return f"bits {value}"
            case str():
                return f'"{self._text(value)}"'
            case list():
                return "[" + ", ".join(map(self._value, value)) + "]"
            case tuple():
                return "{" + ", ".join(map(self._value, value)) + "}"
            case CosemDateTime() | CosemDate() | CosemTime():
                octets = value.to_bytes()
                return octets.hex() + _as_date_time(octets)
            case _:
                return str(value)

    def _octets(self, value: bytes) -> str:
        return hex_text(self._tape.shown(value)) or "nothing"

    def _text(self, value: str) -> str:
        if value.isascii():
            return plain_text(self._tape.shown(value.encode("ascii")))
        return fit(value)


def _target(target: Attribute | Method) -> str:
    return str(target)


def _invoke(invoke: int) -> str:
    return f"invoke {invoke & 0x0F}"


def _also(invoke: int) -> str:
    return f" ({_invoke(invoke)})"


def _context(context: int) -> str:
    return {1: "logical names", 3: "logical names, ciphered"}.get(context, f"context {context}")


def _mechanism(mechanism: int) -> str:
    try:
        return Mechanism(mechanism).name.replace("_", "-").replace("NONE", "no authentication")
    except ValueError:
        return f"mechanism {mechanism}"


def _as_date_time(octets: bytes) -> str:
    """` (2021-04-08 09:30:00)` where octets can only be meant so."""
    if len(octets) != _DATE_TIME_OCTETS:
        return ""
    year, month, day = int.from_bytes(octets[:2], "big"), octets[2], octets[3]
    hour, minute, second = octets[5], octets[6], octets[7]
    fits = 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60
    if year not in _YEARS or not fits:
        return ""
    return f" ({year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02})"
