"""DLMS over HDLC, and the IEC 62056-21 sign-on before it, for the pipe faults.

A frame taken apart here is put together again with its check sequences right. Answers in several
segments are left as they are: a fault strikes a whole message or none.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from drivers.codecs.acse import (
    ApplicationContext,
    AssociationRequest,
    AssociationResponse,
    AssociationResult,
    Diagnostic,
)
from drivers.codecs.apdu import decode_apdu
from drivers.codecs.ciphered_apdu import CIPHERED_TAGS, CipheredApdu
from drivers.codecs.errors import ProtocolError
from drivers.codecs.hdlc import FrameKind, FrameReader, HdlcAddress, HdlcFrame
from drivers.codecs.iec62056_21_messages import block_check
from drivers.codecs.xdlms import (
    AccessFailure,
    AccessResult,
    ActionRequest,
    ActionResponse,
    Attribute,
    ExceptionResponse,
    GetRequest,
    GetResponse,
    ServiceError,
    SetRequest,
    SetResponse,
    StateError,
)
from drivers.pipe_faults.speech import OTHER, Exchanged, Refusing, WireProtocol

_LLC_REQUEST, _LLC_RESPONSE = b"\xe6\xe6\x00", b"\xe6\xe7\x00"
_OPERATION_BY_TAG: Final = {
    0x60: "associate",
    0x62: "release",
    0xC0: "get",
    0xC8: "get",
    0xC1: "set",
    0xC9: "set",
    0xC3: "action",
    0xCB: "action",
    0xDB: "ciphered",
}
_OPERATION_BY_KIND: Final = {
    FrameKind.SNRM: "connect",
    FrameKind.DISC: "disconnect",
    FrameKind.RR: "poll",
}
_MODE_C: Final = frozenset(
    ("sign-on", "option-select", "b0", *(f"{kind}{n}" for kind in "prwe" for n in range(7)))
)
"""IEC 62056-21: its messages, and commands by their letter and type (6.5)."""
_DONE_BY_THE_DEVICE: Final = frozenset((0xC0, 0xC1, 0xC3)) | CIPHERED_TAGS
"""Requests that a device acts on; an association it may as well open."""
_HARMLESS: Final = GetRequest(0xC1, Attribute(15, bytes((0, 0, 40, 0, 0, 255)), 1)).to_bytes()
_UNASSIGNED_TAG: Final = 0x7B
_CONTENT: Final = len(_LLC_RESPONSE) + 3
"""Where in an I frame the content begins: behind tag, choice and invoke-id."""
_RAISED_BY: Final = 1000
_STX, _SOH, _ETX, _EOT = 0x02, 0x01, 0x03, 0x04


class DlmsSpeech:
    """A `Speech` with checksums, sequence numbers and invocation counters."""

    protocol: Final = WireProtocol.DLMS
    operations: Final = frozenset(
        (*_OPERATION_BY_TAG.values(), *_OPERATION_BY_KIND.values(), *_MODE_C, OTHER)
    )

    def operation(self, request: bytes) -> str:
        for frame in _frames(request):
            if frame.kind is FrameKind.I:
                tag = _without_llc(frame, _LLC_REQUEST)[:1]
                return _OPERATION_BY_TAG.get(tag[0], OTHER) if tag else OTHER
            return _OPERATION_BY_KIND.get(frame.kind, OTHER)
        if request.startswith(b"/?"):
            return "sign-on"
        if request.startswith(b"\x06") and len(request) > 1:
            return "option-select"
        command = request[1:3].decode("ascii", "replace").lower()
        return command if request[:1] == b"\x01" and command in _MODE_C else OTHER

    def withheld(self, request: bytes) -> bytes:
        """A read of the association's name in its place: silence would break the link's numbers."""
        asked = _asked(request)
        if asked[:1] and asked[0] in _DONE_BY_THE_DEVICE:
            return _with_information(request, _LLC_REQUEST + _HARMLESS) or request
        return request

    def refusal(self, request: bytes, answer: bytes, how: Refusing, code: str) -> bytes | None:
        busy = how is Refusing.BUSY
        usual = AccessResult.TEMPORARY_FAILURE if busy else AccessResult.READ_WRITE_DENIED
        number = int(code) if code else int(usual)
        asked = _decoded(_asked(request))
        if asked is None:
            return None
        reply: bytes
        match asked:
            case AssociationRequest():
                reply = _rejected(
                    asked,
                    AssociationResult.REJECTED_TRANSIENT
                    if busy
                    else AssociationResult.REJECTED_PERMANENT,
                    Diagnostic.NO_REASON_GIVEN,
                )
            case GetRequest():
                reply = GetResponse(asked.invoke, AccessFailure(number)).to_bytes()
            case SetRequest():
                reply = SetResponse(asked.invoke, number).to_bytes()
            case ActionRequest():
                reply = ActionResponse(asked.invoke, number).to_bytes()
            case _:
                error = ServiceError.OPERATION_NOT_POSSIBLE
                reply = ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, error).to_bytes()
        return _saying(answer, reply)

    def refusal_problem(self, code: str) -> str | None:
        if not code or (code.isascii() and code.isdigit() and 0 < int(code[:4]) < 256):
            return None
        return f"code: expected a data-access-result of 1 to 255, got {code!r}"

    def unknown(self, request: bytes, answer: bytes) -> bytes | None:
        return _saying(answer, bytes((_UNASSIGNED_TAG, 1, 0xC1, 0)))

    def to_another(
        self, request: bytes, answer: bytes, earlier: Sequence[Exchanged]
    ) -> bytes | None:
        """The payload of an earlier answer in the frame of this one."""
        now = _payload(answer)
        for exchanged in reversed(earlier):
            before = _payload(exchanged.answer)
            if before and before != now and exchanged.request != request:
                return _saying(answer, before)
        return None

    def altered(self, answer: bytes, rng: random.Random) -> bytes | None:
        frames = _frames(answer)
        for place in range(len(frames) - 1, -1, -1):
            information = bytearray(frames[place].information)
            begins = _CONTENT if frames[place].kind is FrameKind.I else 0
            if len(information) > begins:
                information[rng.randrange(begins, len(information))] ^= 1 << rng.randrange(8)
                frames[place] = replace(frames[place], information=bytes(information))
                return _joined(frames)
        return None if frames else _altered_block(answer, rng)

    def from_another(self, answer: bytes) -> bytes | None:
        frames = _frames(answer)
        if not frames:
            return None
        return _joined([replace(frame, source=_neighbour(frame.source)) for frame in frames])

    def out_of_sequence(self, answer: bytes) -> bytes | None:
        """N(S) of an I frame, N(R) of a supervisory frame, two ahead."""

        def ahead(frame: HdlcFrame) -> HdlcFrame:
            control = frame.control
            if frame.kind is FrameKind.I:
                return replace(frame, control=control & 0xF1 | (control + 4) & 0x0E)
            return replace(frame, control=control & 0x1F | (control + 0x40) & 0xE0)

        frames = _frames(answer)
        numbered = (FrameKind.I, FrameKind.RR, FrameKind.RNR)
        if not any(frame.kind in numbered for frame in frames):
            return None
        return _joined([ahead(frame) if frame.kind in numbered else frame for frame in frames])

    def not_authentic(self, request: bytes, answer: bytes) -> bytes | None:
        asked = _decoded(_asked(request))
        if isinstance(asked, AssociationRequest):
            rejected = AssociationResult.REJECTED_PERMANENT
            return _saying(answer, _rejected(asked, rejected, Diagnostic.AUTHENTICATION_FAILURE))
        if asked is None:
            return None
        error = ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, ServiceError.DECIPHERING_ERROR)
        return _saying(answer, error.to_bytes())

    def replayed(self, answer: bytes, earlier: Sequence[Exchanged]) -> bytes | None:
        now = _payload(answer)
        if now[:1] and now[0] in CIPHERED_TAGS:
            for exchanged in reversed(earlier):
                before = _payload(exchanged.answer)
                if before[:1] == now[:1] and before != now:
                    return _saying(answer, before)
        return None

    def counter_raised(self, answer: bytes) -> bytes | None:
        apdu = _decoded(_payload(answer))
        if not isinstance(apdu, CipheredApdu):
            return None
        raised = (apdu.invocation_counter + _RAISED_BY) & 0xFFFF_FFFF
        body = apdu.body[:1] + raised.to_bytes(4, "big") + apdu.body[5:]
        return _saying(answer, replace(apdu, body=body).to_bytes())


def _frames(octets: bytes) -> list[HdlcFrame]:
    return FrameReader().receive(octets)


def _joined(frames: list[HdlcFrame]) -> bytes:
    return b"".join(frame.to_bytes() for frame in frames)


def _without_llc(frame: HdlcFrame, llc: bytes) -> bytes:
    """The APDU of an unsegmented I frame; empty where it is none, or has no such header."""
    whole = frame.kind is FrameKind.I and not frame.segmented
    return frame.information[len(llc) :] if whole and frame.information.startswith(llc) else b""


def _asked(request: bytes) -> bytes:
    return _last(request, _LLC_REQUEST)


def _payload(answer: bytes) -> bytes:
    return _last(answer, _LLC_RESPONSE)


def _last(octets: bytes, llc: bytes) -> bytes:
    for frame in reversed(_frames(octets)):
        apdu = _without_llc(frame, llc)
        if apdu:
            return apdu
    return b""


def _with_information(octets: bytes, information: bytes) -> bytes | None:
    """The same frames, the last whole I frame with other information."""
    frames = _frames(octets)
    for place in range(len(frames) - 1, -1, -1):
        if frames[place].kind is FrameKind.I and not frames[place].segmented:
            frames[place] = replace(frames[place], information=information)
            return _joined(frames)
    return None


def _saying(answer: bytes, apdu: bytes) -> bytes | None:
    return _with_information(answer, _LLC_RESPONSE + apdu)


def _decoded(apdu: bytes) -> object | None:
    """What the APDU is; None for nothing, and for octets that are no APDU."""
    decode: Callable[[bytes], object] = decode_apdu
    try:
        return decode(apdu) if apdu else None
    except ProtocolError:
        return None


def _rejected(asked: AssociationRequest, result: int, diagnostic: int) -> bytes:
    context = asked.context if asked.context > 0 else int(ApplicationContext.LOGICAL_NAMES)
    return AssociationResponse(context, result, diagnostic).to_bytes()


def _neighbour(address: HdlcAddress) -> HdlcAddress:
    limit = 0x3FFF if address.size == 4 else 0x7F
    if address.lower is None:
        return HdlcAddress(address.upper % limit + 1, None, address.size)
    return HdlcAddress(address.upper, address.lower % limit + 1, address.size)


def _altered_block(answer: bytes, rng: random.Random) -> bytes | None:
    """A digit of an IEC 62056-21 block becomes another, and the check character fits again."""
    begins = next((n for n, octet in enumerate(answer) if octet & 0x7F in (_STX, _SOH)), None)
    if begins is None:
        return None
    ends = next((n for n in range(begins, len(answer)) if answer[n] & 0x7F in (_ETX, _EOT)), None)
    if ends is None or ends + 1 >= len(answer):
        return None
    digits = [n for n in range(begins + 1, ends) if chr(answer[n] & 0x7F).isdigit()]
    if not digits:
        return None
    altered = bytearray(answer)
    altered[rng.choice(digits)] ^= 1
    altered[ends + 1] = block_check(bytes(altered[begins + 1 : ends + 1]))
    return bytes(altered)
