"""ACSE: opening and closing an association (IEC 62056-5-3, clause 7; BER).

AARQ and AARE carry who speaks (system titles), how they prove it (mechanism, authentication
value) and, in the user-information, the xDLMS initiate PDU, ciphered where the context says so.
RLRQ and RLRE close it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from drivers.codecs.axdr_length import decode_length, encode_length, octets_at
from drivers.codecs.errors import RemoteProtocolError

_CONTEXT_NAME = b"\x60\x85\x74\x05\x08\x01"  # object identifier, but for its last arc
_MECHANISM_NAME = b"\x60\x85\x74\x05\x08\x02"


class ApplicationContext(IntEnum):
    """Referencing by logical names, without or with ciphering."""

    LOGICAL_NAMES = 1
    LOGICAL_NAMES_CIPHERED = 3


class Mechanism(IntEnum):
    """How the client proves itself."""

    NONE = 0
    LLS = 1
    HLS_GMAC = 5


class AssociationResult(IntEnum):
    ACCEPTED = 0
    REJECTED_PERMANENT = 1
    REJECTED_TRANSIENT = 2


class Diagnostic(IntEnum):
    """ACSE service-user diagnostics used here."""

    NULL = 0
    NO_REASON_GIVEN = 1
    CONTEXT_NAME_NOT_SUPPORTED = 2
    CALLING_TITLE_NOT_RECOGNIZED = 3
    MECHANISM_NAME_NOT_RECOGNISED = 11
    MECHANISM_NAME_REQUIRED = 12
    AUTHENTICATION_FAILURE = 13
    AUTHENTICATION_REQUIRED = 14


def diagnostic_name(value: int) -> str:
    try:
        return Diagnostic(value).name.lower().replace("_", "-")
    except ValueError:
        return f"diagnostic {value}"


@dataclass(frozen=True, slots=True)
class AssociationRequest:
    """AARQ. `context` and `mechanism` are plain numbers, since a peer may name one we do not know.

    `authentication_value` is the LLS password or the HLS challenge, so it is never shown.
    """

    context: int
    mechanism: int = Mechanism.NONE
    calling_title: bytes | None = None
    authentication_value: bytes | None = field(default=None, repr=False)
    user_information: bytes | None = field(default=None, repr=False)

    def to_bytes(self) -> bytes:
        body = _element(0xA1, _element(0x06, _CONTEXT_NAME + bytes((self.context,))))
        if self.calling_title is not None:
            body += _element(0xA6, _element(0x04, self.calling_title))
        if self.mechanism != Mechanism.NONE:
            body += b"\x8a\x02\x07\x80" + _element(0x8B, _MECHANISM_NAME + bytes((self.mechanism,)))
        if self.authentication_value is not None:
            body += _element(0xAC, _element(0x80, self.authentication_value))
        if self.user_information is not None:
            body += _element(0xBE, _element(0x04, self.user_information))
        return _element(0x60, body)

    @classmethod
    def from_bytes(cls, octets: bytes) -> AssociationRequest:
        fields = _elements(octets, "AARQ")
        return cls(
            context=_object_identifier(_inner(fields, 0xA1, 0x06), _CONTEXT_NAME),
            mechanism=_object_identifier(fields.get(0x8B), _MECHANISM_NAME),
            calling_title=_inner(fields, 0xA6, 0x04),
            authentication_value=_inner(fields, 0xAC, 0x80),
            user_information=_inner(fields, 0xBE, 0x04),
        )


@dataclass(frozen=True, slots=True)
class AssociationResponse:
    """AARE. `diagnostic` is the service-user's unless `by_provider`."""

    context: int
    result: int
    diagnostic: int
    by_provider: bool = False
    mechanism: int = Mechanism.NONE
    responding_title: bytes | None = None
    authentication_value: bytes | None = field(default=None, repr=False)
    user_information: bytes | None = field(default=None, repr=False)

    def to_bytes(self) -> bytes:
        source = 0xA2 if self.by_provider else 0xA1
        body = _element(0xA1, _element(0x06, _CONTEXT_NAME + bytes((self.context,))))
        body += b"\xa2\x03\x02\x01%c" % self.result
        body += _element(0xA3, b"%c\x03\x02\x01%c" % (source, self.diagnostic))
        if self.responding_title is not None:
            body += _element(0xA4, _element(0x04, self.responding_title))
        if self.mechanism != Mechanism.NONE:
            body += b"\x88\x02\x07\x80" + _element(0x89, _MECHANISM_NAME + bytes((self.mechanism,)))
        if self.authentication_value is not None:
            body += _element(0xAA, _element(0x80, self.authentication_value))
        if self.user_information is not None:
            body += _element(0xBE, _element(0x04, self.user_information))
        return _element(0x61, body)

    @classmethod
    def from_bytes(cls, octets: bytes) -> AssociationResponse:
        fields = _elements(octets, "AARE")
        diagnostic = fields.get(0xA3, b"")
        if len(diagnostic) < 5:
            raise RemoteProtocolError("AARE: no result-source-diagnostic")
        by_provider = diagnostic[0] == 0xA2
        return cls(
            context=_object_identifier(_inner(fields, 0xA1, 0x06), _CONTEXT_NAME),
            result=_integer(fields.get(0xA2, b"")),
            diagnostic=_integer(diagnostic[2:]),
            by_provider=by_provider,
            mechanism=_object_identifier(fields.get(0x89), _MECHANISM_NAME),
            responding_title=_inner(fields, 0xA4, 0x04),
            authentication_value=_inner(fields, 0xAA, 0x80),
            user_information=_inner(fields, 0xBE, 0x04),
        )


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """RLRQ. `reason` 0 normal, 1 urgent, 30 user-defined; None where it is left out."""

    reason: int | None = 0
    user_information: bytes | None = field(default=None, repr=False)

    def to_bytes(self) -> bytes:
        return _release(0x62, self.reason, self.user_information)

    @classmethod
    def from_bytes(cls, octets: bytes) -> ReleaseRequest:
        return cls(*_released(octets, "RLRQ"))


@dataclass(frozen=True, slots=True)
class ReleaseResponse:
    """RLRE. `reason` 0 normal, 1 not-finished, 30 user-defined; None where it is left out."""

    reason: int | None = 0
    user_information: bytes | None = field(default=None, repr=False)

    def to_bytes(self) -> bytes:
        return _release(0x63, self.reason, self.user_information)

    @classmethod
    def from_bytes(cls, octets: bytes) -> ReleaseResponse:
        return cls(*_released(octets, "RLRE"))


def _release(tag: int, reason: int | None, user_information: bytes | None) -> bytes:
    body = b"" if reason is None else b"\x80\x01%c" % reason
    if user_information is not None:
        body += _element(0xBE, _element(0x04, user_information))
    return _element(tag, body)


def _released(octets: bytes, name: str) -> tuple[int | None, bytes | None]:
    fields = _elements(octets, name)
    reason = fields.get(0x80)
    return (reason[0] if reason else None), _inner(fields, 0xBE, 0x04)


def _element(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + encode_length(len(content)) + content


def _elements(octets: bytes, name: str) -> dict[int, bytes]:
    """The PDU's elements by tag; the first of a repeated tag counts."""
    fields: dict[int, bytes] = {}
    try:
        length, position = decode_length(octets, 1)
        if position + length != len(octets):
            raise RemoteProtocolError(
                f"{name}: expected {length} octets, got {len(octets) - position}"
            )
        while position < len(octets):
            tag = octets[position]
            content, position = octets_at(octets, position + 1)
            fields.setdefault(tag, content)
    except IndexError:
        raise RemoteProtocolError(f"{name} ends before it is complete") from None
    return fields


def _inner(fields: dict[int, bytes], tag: int, inner_tag: int) -> bytes | None:
    content = fields.get(tag)
    if content is None:
        return None
    if len(content) < 2 or content[0] != inner_tag:
        raise RemoteProtocolError(f"element {tag:02X}: expected tag {inner_tag:02X} inside")
    try:
        inner, end = octets_at(content, 1)
    except IndexError:
        raise RemoteProtocolError(f"element {tag:02X} ends before it is complete") from None
    if end != len(content):
        raise RemoteProtocolError(f"element {tag:02X}: octets behind its content")
    return inner


def _object_identifier(content: bytes | None, head: bytes) -> int:
    """The last arc; 0 where the element is missing, -1 for a foreign identifier."""
    if content is None:
        return 0
    return content[-1] if len(content) == len(head) + 1 and content.startswith(head) else -1


def _integer(content: bytes) -> int:
    if len(content) != 3 or content[:2] != b"\x02\x01":
        raise RemoteProtocolError("AARE: expected an INTEGER of one octet")
    return content[2]
