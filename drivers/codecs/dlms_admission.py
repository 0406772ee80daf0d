"""Whether a client of a DLMS server gets an association: what it must show, what it proposes.

An AARQ comes in; nothing here remembers anything, `drivers.codecs.dlms_server` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hmac import compare_digest

from drivers.codecs.acse import (
    ApplicationContext,
    AssociationRequest,
    AssociationResponse,
    AssociationResult,
    Diagnostic,
    Mechanism,
)
from drivers.codecs.apdu import decode_apdu
from drivers.codecs.ciphered_apdu import CipheredApdu
from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError, SecurityError
from drivers.codecs.initiate import DLMS_VERSION, SUPPORTED, Conformance, InitiateRequest
from drivers.codecs.security import CipherContext, KeyMaterial, Protection, SecurityKeys

_SMALLEST_PDU = 64
"""Below this no block fits beside its header and envelope."""


@dataclass(frozen=True, slots=True)
class ClientAccess:
    """What one client must show and may do. `required`: the least protection of a service."""

    mechanism: Mechanism = Mechanism.NONE
    password: KeyMaterial | None = field(default=None, repr=False)
    keys: SecurityKeys | None = field(default=None, repr=False)
    required: Protection = Protection.NONE
    conformance: Conformance = SUPPORTED
    max_pdu: int = 1024
    """Octets this server takes in one APDU."""
    longest_value: int = 0x10000
    """Octets of one value written in blocks at most."""

    def __post_init__(self) -> None:
        if self.keys is None and (self.required or self.mechanism is Mechanism.HLS_GMAC):
            raise LocalProtocolError("ciphering and HLS-GMAC need keys")
        if self.password is None and self.mechanism is Mechanism.LLS:
            raise LocalProtocolError("LLS needs a password")


def mechanism_fault(access: ClientAccess, request: AssociationRequest) -> Diagnostic | None:
    """What is wrong with how the client shows who it is, before any proof of HLS; None: nothing."""
    value = request.authentication_value
    if request.mechanism != access.mechanism:
        if request.mechanism == Mechanism.NONE:
            return Diagnostic.MECHANISM_NAME_REQUIRED
        return Diagnostic.MECHANISM_NAME_NOT_RECOGNISED
    if access.mechanism is Mechanism.LLS and access.password is not None:
        if value is None or not compare_digest(value, access.password.reveal()):
            return Diagnostic.AUTHENTICATION_FAILURE
    elif access.mechanism is Mechanism.HLS_GMAC and (value is None or not 8 <= len(value) <= 64):
        return Diagnostic.AUTHENTICATION_FAILURE
    return None


def proposal(
    request: AssociationRequest, cipher: CipherContext | None
) -> tuple[InitiateRequest, Protection]:
    """The InitiateRequest in the user-information and how it was protected."""
    if request.user_information is None:
        raise RemoteProtocolError("AARQ without user-information")
    apdu = decode_apdu(request.user_information)
    protection = Protection.NONE
    if isinstance(apdu, CipheredApdu):
        if cipher is None:
            raise SecurityError("ciphered initiate in a context without ciphering")
        plain, protection = cipher.unprotect(apdu.body, apdu.title)
        apdu.check_content(plain)
        apdu = decode_apdu(plain)
    elif cipher is not None:
        raise SecurityError("plain initiate in a context with ciphering")
    if not isinstance(apdu, InitiateRequest):
        raise RemoteProtocolError("AARQ: no initiate-request in the user-information")
    return apdu, protection


def initiate_fault(initiate: InitiateRequest, conformance: Conformance) -> int | None:
    """The initiate-error of a proposal with which there is nothing to do; None: it is fine.

    `conformance`: what both sides can do.
    """
    if initiate.version != DLMS_VERSION:
        return 1
    if not conformance:
        return 2
    if (initiate.max_pdu or 0xFFFF) < _SMALLEST_PDU:
        return 3
    return 4 if initiate.has_dedicated_key else None


def refusal(
    request: AssociationRequest,
    diagnostic: Diagnostic,
    error: bytes | None = None,
    *,
    transient: bool = False,
) -> bytes:
    """The AARE that says no; `transient`: for now."""
    return AssociationResponse(
        context=request.context if request.context > 0 else ApplicationContext.LOGICAL_NAMES,
        result=AssociationResult.REJECTED_TRANSIENT
        if transient
        else AssociationResult.REJECTED_PERMANENT,
        diagnostic=diagnostic,
        user_information=error,
    ).to_bytes()
