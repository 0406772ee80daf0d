"""xDLMS initiate, the conformance block and ConfirmedServiceError (Green Book 9.4).

These travel in the user-information of AARQ and AARE and say what both sides will use.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from drivers.codecs.axdr_length import octets_at
from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError

DLMS_VERSION = 6
_CONFORMANCE_HEAD = b"\x5f\x1f\x04\x00"
VAA_LOGICAL_NAMES = 0x0007


class Conformance(IntFlag):
    """The 24 conformance bits; bit 0 of the standard is the highest here."""

    GENERAL_PROTECTION = 1 << 22
    GENERAL_BLOCK_TRANSFER = 1 << 21
    READ = 1 << 20
    WRITE = 1 << 19
    UNCONFIRMED_WRITE = 1 << 18
    ATTRIBUTE_0_SET = 1 << 15
    PRIORITY = 1 << 14
    ATTRIBUTE_0_GET = 1 << 13
    BLOCK_GET = 1 << 12
    BLOCK_SET = 1 << 11
    BLOCK_ACTION = 1 << 10
    MULTIPLE_REFERENCES = 1 << 9
    INFORMATION_REPORT = 1 << 8
    DATA_NOTIFICATION = 1 << 7
    ACCESS = 1 << 6
    PARAMETERIZED_ACCESS = 1 << 5
    GET = 1 << 4
    SET = 1 << 3
    SELECTIVE_ACCESS = 1 << 2
    EVENT_NOTIFICATION = 1 << 1
    ACTION = 1 << 0


SUPPORTED = (
    Conformance.GENERAL_PROTECTION
    | Conformance.PRIORITY
    | Conformance.BLOCK_GET
    | Conformance.BLOCK_SET
    | Conformance.BLOCK_ACTION
    | Conformance.MULTIPLE_REFERENCES
    | Conformance.DATA_NOTIFICATION
    | Conformance.GET
    | Conformance.SET
    | Conformance.SELECTIVE_ACCESS
    | Conformance.EVENT_NOTIFICATION
    | Conformance.ACTION
)
"""What this codec speaks."""


@dataclass(frozen=True, slots=True)
class InitiateRequest:
    """What the client proposes. `max_pdu` is what it can receive; 0 means no limit."""

    conformance: Conformance
    max_pdu: int
    version: int = DLMS_VERSION
    response_allowed: bool = True
    has_dedicated_key: bool = False
    """A dedicated key was present. It is not kept: ded- ciphering is not supported."""

    def to_bytes(self) -> bytes:
        if self.has_dedicated_key:
            raise LocalProtocolError("dedicated ciphering is not supported")
        allowed = b"\x00" if self.response_allowed else b"\x01\x00"
        return b"\x01\x00%b\x00%c%b" % (
            allowed,
            self.version,
            _limits(self.conformance, self.max_pdu),
        )

    @classmethod
    def from_bytes(cls, octets: bytes) -> InitiateRequest:
        try:
            position = 1
            has_dedicated_key = bool(octets[position])
            position += 1
            if has_dedicated_key:
                _, position = octets_at(octets, position)
            allowed = True
            if octets[position]:
                position += 1
                allowed = bool(octets[position])
            position += 1
            if octets[position]:  # proposed quality of service: not used by COSEM
                position += 1
            position += 1
            version = octets[position]
            conformance, max_pdu, end = _limits_at(octets, position + 1)
        except IndexError:
            raise RemoteProtocolError("initiate-request ends before it is complete") from None
        if end != len(octets):
            raise RemoteProtocolError("initiate-request: octets behind its end")
        return cls(conformance, max_pdu, version, allowed, has_dedicated_key)


@dataclass(frozen=True, slots=True)
class InitiateResponse:
    """What the server grants. `max_pdu` is what it can receive."""

    conformance: Conformance
    max_pdu: int
    version: int = DLMS_VERSION
    vaa_name: int = VAA_LOGICAL_NAMES

    def to_bytes(self) -> bytes:
        return b"\x08\x00%c%b%b" % (
            self.version,
            _limits(self.conformance, self.max_pdu),
            self.vaa_name.to_bytes(2, "big"),
        )

    @classmethod
    def from_bytes(cls, octets: bytes) -> InitiateResponse:
        try:
            position = 3 if octets[1] else 2  # negotiated quality of service: not used
            version = octets[position]
            conformance, max_pdu, end = _limits_at(octets, position + 1)
        except IndexError:
            raise RemoteProtocolError("initiate-response ends before it is complete") from None
        if end + 2 != len(octets):
            raise RemoteProtocolError("initiate-response: expected the VAA name and no more")
        return cls(conformance, max_pdu, version, int.from_bytes(octets[end:], "big"))


def _limits(conformance: Conformance, max_pdu: int) -> bytes:
    if not 0 <= max_pdu <= 0xFFFF:
        raise LocalProtocolError(f"max PDU size: expected 0-65535, got {max_pdu}")
    return _CONFORMANCE_HEAD + conformance.to_bytes(3, "big") + max_pdu.to_bytes(2, "big")


def _limits_at(octets: bytes, position: int) -> tuple[Conformance, int, int]:
    # Some devices write the application tag 31 in one octet: 5F 04 instead of 5F 1F 04.
    for head in (_CONFORMANCE_HEAD, b"\x5f\x04\x00"):
        if octets.startswith(head, position):
            start = position + len(head)
            break
    else:
        raise RemoteProtocolError("initiate: no conformance block")
    end = start + 5
    if end > len(octets):
        raise IndexError
    conformance = int.from_bytes(octets[start : start + 3], "big") & 0x7FFFFF
    return Conformance(conformance), int.from_bytes(octets[start + 3 : end], "big"), end


_ERROR_CLASSES = {
    0: "application-reference",
    1: "hardware-resource",
    2: "vde-state-error",
    3: "service",
    4: "definition",
    5: "access",
    6: "initiate",
    7: "load-data-set",
    9: "task",
}
_INITIATE_ERRORS = {
    0: "other",
    1: "dlms-version-too-low",
    2: "incompatible-conformance",
    3: "pdu-size-too-short",
    4: "refused-by-the-VDE-handler",
}


@dataclass(frozen=True, slots=True)
class ConfirmedServiceError:
    """`service` 1 initiate, 5 read, 6 write; the error is a class and a value within it."""

    service: int
    error_class: int
    value: int

    def to_bytes(self) -> bytes:
        return bytes((0x0E, self.service, self.error_class, self.value))

    @classmethod
    def from_bytes(cls, octets: bytes) -> ConfirmedServiceError:
        if len(octets) != 4:
            raise RemoteProtocolError("confirmed-service-error: expected 4 octets")
        return cls(octets[1], octets[2], octets[3])

    def __str__(self) -> str:
        kind = _ERROR_CLASSES.get(self.error_class, str(self.error_class))
        value = str(self.value)
        if self.error_class == 6:
            value = _INITIATE_ERRORS.get(self.value, value)
        return f"{kind}: {value}"


def initiate_error(value: int) -> ConfirmedServiceError:
    """The refusal of an InitiateRequest: 1 version, 2 conformance, 3 PDU size, 4 refused."""
    return ConfirmedServiceError(1, 6, value)
