"""A DLMS/COSEM client session without I/O, over APDUs that a link has framed (HDLC or wrapper).

    apdu = client.associate_request(challenge)     # or get, get_list, set, action, release
    while isinstance(event := client.receive_apdu(exchange(apdu)), Transmit):
        apdu = event.apdu                          # next block, or a pass of HLS
    ...                                            # event is what came of it

The rules
---------
One request is open at a time. Its answer must carry its invoke-id: any other answer is a
`LateAnswer`, never taken as this one's. After a time-out the caller gives the request up with
`abandon`; its answer, should it still come, is then late too. What cannot be told apart: an answer
sixteen requests late (the invoke-id has four bits), and a late exception-response (it has none).

Where protection is asked for, an answer that came with less is refused as `SecurityError`; only
refusals (exception-response, AARE, RLRE) may come unprotected, and they prove nothing. With
HLS-GMAC the association stands only once the server, too, has proven that it has the key.

An exception raised leaves the session as it was, except that a failed association is closed and a
broken block transfer given up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from drivers.codecs.acse import (
    ApplicationContext,
    AssociationRequest,
    AssociationResponse,
    AssociationResult,
    Diagnostic,
    Mechanism,
    ReleaseRequest,
    ReleaseResponse,
)
from drivers.codecs.apdu import Apdu, Request, Response, decode_apdu
from drivers.codecs.ciphered_apdu import ENVELOPE_OCTETS, GLO_OF, CipheredApdu, envelope
from drivers.codecs.cosem_data import decode_data, encode_data
from drivers.codecs.cosem_types import CosemData
from drivers.codecs.dlms_events import (
    AccessRefused,
    Associated,
    AssociationRefused,
    Completed,
    Event,
    Excepted,
    LateAnswer,
    Notified,
    Released,
    Transmit,
)
from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError, SecurityError
from drivers.codecs.initiate import (
    SUPPORTED,
    ConfirmedServiceError,
    Conformance,
    InitiateRequest,
    InitiateResponse,
)
from drivers.codecs.security import CipherContext, KeyMaterial, Protection
from drivers.codecs.xdlms import (
    REPLY_TO_HLS,
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
    SelectiveAccess,
    SetRequest,
    SetRequestBlock,
    SetRequestFirstBlock,
    SetResponse,
    SetResponseBlock,
    SetResponseLastBlock,
    result_at,
    results_at,
)

_CONFIRMED_HIGH = 0xC0


class SessionState(Enum):
    IDLE = "idle"
    ASSOCIATING = "associating"
    AUTHENTICATING = "authenticating"
    ASSOCIATED = "associated"
    RELEASING = "releasing"


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """How this client introduces itself. Any `protection` asks for a ciphered context."""

    mechanism: Mechanism = Mechanism.NONE
    password: KeyMaterial | None = field(default=None, repr=False)
    protection: Protection = Protection.NONE
    general_ciphering: bool = False
    max_pdu: int = 0xFFFF
    conformance: Conformance = SUPPORTED
    longest_value: int = 1 << 20
    """Octets of one value in blocks at most."""


class _Open:
    """The open request: its invoke-id octet and what its blocks have come to so far."""

    __slots__ = ("answers", "block", "gathered", "invoke", "is_list", "outgoing")

    def __init__(
        self, invoke: int, answers: tuple[type, ...], outgoing: bytes = b"", is_list: bool = False
    ) -> None:
        self.invoke = invoke
        self.answers = answers
        self.outgoing = outgoing
        self.is_list = is_list
        self.block = 1
        self.gathered = bytearray()


_GET_ANSWERS = (GetResponse, GetResponseBlock, GetResponseWithList)
_SET_ANSWERS = (SetResponse, SetResponseBlock, SetResponseLastBlock)
_ACTION_ANSWERS = (ActionResponse, ActionResponseBlock)
_ANY_ANSWER = _GET_ANSWERS + _SET_ANSWERS + _ACTION_ANSWERS


class DlmsClient:
    """One session. `cipher` holds titles, keys and counters and belongs to the caller."""

    def __init__(self, settings: ClientSettings, cipher: CipherContext | None = None) -> None:
        needs_cipher = settings.protection or settings.mechanism is Mechanism.HLS_GMAC
        if needs_cipher and cipher is None:
            raise LocalProtocolError("ciphering and HLS-GMAC need keys")
        if settings.mechanism is Mechanism.LLS and settings.password is None:
            raise LocalProtocolError("LLS needs a password")
        self.settings = settings
        self.cipher = cipher
        self.state = SessionState.IDLE
        self.conformance = Conformance(0)
        self._protection = settings.protection
        self._server_pdu = 0xFFFF
        self._send_limit = 0xFFFF
        self._invoke = 0
        self._open: _Open | None = None
        self._challenge = b""
        self._pinned_title = cipher.peer_title if cipher else None

    # -- association -----------------------------------------------------------------------------

    def associate_request(self, challenge: bytes = b"") -> bytes:
        """AARQ, from any state: an old association is forgotten. HLS needs 8-64 random octets."""
        settings, cipher = self.settings, self.cipher
        value: bytes | None = None
        if settings.mechanism is Mechanism.HLS_GMAC:
            if not 8 <= len(challenge) <= 64:
                raise LocalProtocolError("HLS challenge: expected 8 to 64 octets")
            value = challenge
        self.close()
        self._challenge = challenge
        protected = bool(self._protection)
        request = AssociationRequest(
            context=ApplicationContext.LOGICAL_NAMES_CIPHERED
            if protected
            else ApplicationContext.LOGICAL_NAMES,
            mechanism=settings.mechanism,
            calling_title=cipher.own_title if cipher else None,
            authentication_value=settings.password.reveal()
            if settings.mechanism is Mechanism.LLS and settings.password
            else value,
            user_information=self._initiate(),
        )
        self.state = SessionState.ASSOCIATING
        return request.to_bytes()

    def _initiate(self) -> bytes:
        plain = InitiateRequest(self.settings.conformance, self.settings.max_pdu).to_bytes()
        if not self._protection or self.cipher is None:
            return plain
        body = self.cipher.protect(plain, self._protection)
        return CipheredApdu(GLO_OF[plain[0]], body).to_bytes()

    def release(self) -> bytes:
        """RLRQ."""
        self._need(SessionState.ASSOCIATED)
        self._open = None
        self.state = SessionState.RELEASING
        return ReleaseRequest(0, self._initiate() if self._protection else None).to_bytes()

    def close(self) -> None:
        """The link is gone, and the association with it."""
        self.state = SessionState.IDLE
        self._open = None
        if self.cipher is not None:
            self.cipher.peer_title = self._pinned_title

    def abandon(self) -> None:
        """Give up the open request after a time-out; the next may be sent."""
        self._open = None

    # -- requests --------------------------------------------------------------------------------

    def get(
        self, class_id: int, name: bytes, index: int, access: SelectiveAccess | None = None
    ) -> bytes:
        """GET one attribute; comes to `Completed` or `AccessRefused`."""
        invoke = self._new_invoke()
        request = GetRequest(invoke, Attribute(class_id, name, index, access)).to_bytes()
        return self._opened(_Open(invoke, _GET_ANSWERS), request)

    def get_list(self, attributes: Sequence[Attribute]) -> bytes:
        """GET several attributes in one request."""
        invoke = self._new_invoke()
        request = GetRequestWithList(invoke, tuple(attributes)).to_bytes()
        return self._opened(_Open(invoke, _GET_ANSWERS, is_list=True), request)

    def set(self, class_id: int, name: bytes, index: int, value: CosemData) -> bytes:
        """SET one attribute, in blocks if it does not fit one PDU."""
        invoke = self._new_invoke()
        attribute = Attribute(class_id, name, index)
        request = SetRequest(invoke, attribute, value).to_bytes()
        if len(request) <= self._send_limit:
            return self._opened(_Open(invoke, _SET_ANSWERS), request)
        raw = encode_data(value)
        size = self._send_limit - 24  # service, target, block header
        request = SetRequestFirstBlock(invoke, attribute, False, 1, raw[:size]).to_bytes()
        return self._opened(_Open(invoke, _SET_ANSWERS, outgoing=raw[size:]), request)

    def action(self, class_id: int, name: bytes, index: int, parameters: CosemData = None) -> bytes:
        """ACTION: run a method; comes to `Completed` with what it returned, or `AccessRefused`."""
        invoke = self._new_invoke()
        request = ActionRequest(invoke, Method(class_id, name, index), parameters).to_bytes()
        return self._opened(_Open(invoke, _ACTION_ANSWERS), request)

    def _need(self, state: SessionState) -> None:
        if self.state is not state:
            raise LocalProtocolError(f"the session is {self.state.value}, not {state.value}")

    def _new_invoke(self) -> int:
        self._need(SessionState.ASSOCIATED)
        if self._open is not None:
            raise LocalProtocolError("the last request is still open: abandon it first")
        self._invoke = self._invoke + 1 & 0x0F
        return _CONFIRMED_HIGH | self._invoke

    def _opened(self, request: _Open, octets: bytes) -> bytes:
        if len(octets) > self._send_limit:
            raise LocalProtocolError(
                f"request of {len(octets)} octets: the server takes {self._send_limit}"
            )
        sealed = self._sealed(octets)
        self._open = request
        return sealed

    def _sealed(self, plain: bytes) -> bytes:
        cipher = self.cipher
        if not self._protection or cipher is None:
            return plain
        title = cipher.own_title if self.settings.general_ciphering else None
        return envelope(plain[0], cipher.protect(plain, self._protection), title).to_bytes()

    # -- answers ---------------------------------------------------------------------------------

    def receive_apdu(self, octets: bytes) -> Event:
        """What the APDU means for this session. RemoteProtocolError, SecurityError, ReplayError."""
        apdu = decode_apdu(octets)
        if isinstance(apdu, CipheredApdu):
            apdu = self._unsealed(apdu)
        elif self._protection and isinstance(
            apdu, (*_ANY_ANSWER, EventNotification, DataNotification)
        ):
            raise SecurityError(f"{type(apdu).__name__} came without protection")
        if isinstance(apdu, _ANY_ANSWER):
            return self._answered(apdu)
        if isinstance(apdu, (EventNotification, DataNotification)):
            return Notified(apdu)
        if isinstance(apdu, (ExceptionResponse, ConfirmedServiceError)):
            self._open = None
            if self.state is not SessionState.ASSOCIATED:
                self.close()
            return Excepted(apdu)
        if isinstance(apdu, AssociationResponse) and self.state is SessionState.ASSOCIATING:
            try:
                return self._associated(apdu)
            except RemoteProtocolError:
                self.close()
                raise
        if isinstance(apdu, ReleaseResponse) and self.state is SessionState.RELEASING:
            self.close()
            return Released()
        raise RemoteProtocolError(f"{type(apdu).__name__} while {self.state.value}")

    def _unsealed(self, closed: CipheredApdu) -> Apdu:
        if self.cipher is None:
            raise SecurityError("ciphered APDU, but there are no keys")
        if self.cipher.peer_title is None:
            raise SecurityError("ciphered APDU, but the server has not given its system title")
        plain, protection = self.cipher.unprotect(closed.body, closed.title)
        if protection & self._protection != self._protection:
            raise SecurityError("the APDU came with less protection than asked for")
        closed.check_content(plain)
        apdu = decode_apdu(plain)
        if isinstance(apdu, CipheredApdu):
            raise RemoteProtocolError("ciphered APDU within a ciphered APDU")
        return apdu

    def _associated(self, response: AssociationResponse) -> Event:
        initiate = self._initiate_answer(response)
        if response.result != AssociationResult.ACCEPTED or not isinstance(
            initiate, InitiateResponse
        ):
            self.close()
            error = initiate if isinstance(initiate, ConfirmedServiceError) else None
            return AssociationRefused(
                response.result, response.diagnostic, response.by_provider, error
            )
        self.conformance = initiate.conformance & self.settings.conformance
        self._server_pdu = max_pdu = initiate.max_pdu or 0xFFFF
        self._send_limit = max_pdu - (ENVELOPE_OCTETS if self._protection else 0)
        if self._send_limit < 32:
            raise RemoteProtocolError(f"the server takes no PDU above {max_pdu} octets")
        if self.settings.mechanism is not Mechanism.HLS_GMAC:
            self.state = SessionState.ASSOCIATED
            return Associated(self.conformance, max_pdu, response.responding_title)
        challenge = response.authentication_value
        if response.diagnostic != Diagnostic.AUTHENTICATION_REQUIRED or challenge is None:
            raise SecurityError("the server accepted without proving itself (HLS)")
        if not 8 <= len(challenge) <= 64 or challenge == self._challenge or self.cipher is None:
            raise SecurityError("HLS challenge: expected 8 to 64 octets other than ours")
        if self.cipher.peer_title is None:
            raise SecurityError("HLS-GMAC, but the server has not given its system title")
        self.state = SessionState.AUTHENTICATING
        self._invoke = self._invoke + 1 & 0x0F
        invoke = _CONFIRMED_HIGH | self._invoke
        proof = self.cipher.answer_challenge(challenge)
        request = ActionRequest(invoke, REPLY_TO_HLS, proof).to_bytes()
        return Transmit(self._opened(_Open(invoke, _ACTION_ANSWERS), request))

    def _initiate_answer(self, response: AssociationResponse) -> Apdu | None:
        """The user-information, opened. What a refusal carries need not be protected."""
        title, cipher = response.responding_title, self.cipher
        if cipher is not None and title is not None:
            if (
                len(title) != 8
                or (cipher.peer_title or title) != title
                or title == cipher.own_title
            ):
                raise SecurityError("system title: the AARE is from another server")
            cipher.peer_title = title
        if response.user_information is None:
            return None
        apdu = decode_apdu(response.user_information)
        if isinstance(apdu, CipheredApdu):
            return self._unsealed(apdu)
        if self._protection and response.result == AssociationResult.ACCEPTED:
            raise SecurityError("initiate-response came without protection")
        return apdu

    def _answered(self, apdu: Response) -> Event:
        request = self._open
        if request is None or apdu.invoke & 0x0F != request.invoke & 0x0F:
            return LateAnswer(apdu)
        if not isinstance(apdu, request.answers):
            raise RemoteProtocolError(f"{type(apdu).__name__} answers another service")
        if isinstance(apdu, GetResponse):
            return self._finished(apdu.result)
        if isinstance(apdu, ActionResponse):
            if self.state is SessionState.AUTHENTICATING:
                return self._authenticated(apdu)
            if apdu.code:
                return self._finished(AccessFailure(apdu.code))
            return self._finished(apdu.result)
        if isinstance(apdu, GetResponseBlock):
            if apdu.failure is not None:
                return self._finished(AccessFailure(apdu.failure))
            return self._gathered(request, apdu)
        if isinstance(apdu, ActionResponseBlock):
            return self._gathered(request, apdu)
        if isinstance(apdu, GetResponseWithList):
            self._open = None
            return Completed(list(apdu.results))
        if isinstance(apdu, SetResponseBlock):
            return self._next_set_block(request, apdu)
        return self._finished(AccessFailure(apdu.code) if apdu.code else None)

    def _finished(self, result: CosemData | AccessFailure) -> Event:
        self._open = None
        if isinstance(result, AccessFailure):
            return AccessRefused(result.code)
        return Completed(result)

    def _gathered(self, request: _Open, apdu: GetResponseBlock | ActionResponseBlock) -> Event:
        if apdu.block != request.block:
            self._open = None
            raise RemoteProtocolError(f"block: expected {request.block}, got {apdu.block}")
        request.gathered += apdu.raw
        if len(request.gathered) > self.settings.longest_value:
            self._open = None
            raise RemoteProtocolError(f"value of more than {self.settings.longest_value} octets")
        if not apdu.last:
            request.block += 1
            following: Request = (
                GetRequestNext(request.invoke, apdu.block)
                if isinstance(apdu, GetResponseBlock)
                else ActionRequestNext(request.invoke, apdu.block)
            )
            return Transmit(self._sealed(following.to_bytes()))
        self._open = None
        whole = bytes(request.gathered)
        if isinstance(apdu, ActionResponseBlock):
            return self._action_whole(whole)
        if request.is_list:
            try:
                results, _ = results_at(whole, 0)
            except IndexError:
                raise RemoteProtocolError("list ends before it is complete") from None
            return Completed(list(results))
        return Completed(decode_data(whole))

    def _action_whole(self, whole: bytes) -> Event:
        """Action-Response-With-Optional-Data: the code, then perhaps the result."""
        try:
            if whole[0]:
                return AccessRefused(whole[0])
            if not whole[1]:
                return Completed(None)
            result, _ = result_at(whole, 2)
        except IndexError:
            raise RemoteProtocolError("action result ends before it is complete") from None
        return self._finished(result)

    def _next_set_block(self, request: _Open, apdu: SetResponseBlock) -> Event:
        if apdu.block != request.block or not request.outgoing:
            self._open = None
            raise RemoteProtocolError(f"block: expected {request.block}, got {apdu.block}")
        size = self._send_limit - 14
        raw, request.outgoing = request.outgoing[:size], request.outgoing[size:]
        request.block += 1
        block = SetRequestBlock(request.invoke, not request.outgoing, request.block, raw)
        return Transmit(self._sealed(block.to_bytes()))

    def _authenticated(self, apdu: ActionResponse) -> Event:
        """Pass 4 of HLS: the server's proof."""
        cipher, proof = self.cipher, apdu.result
        if cipher is None or apdu.code or not isinstance(proof, bytes):
            self.close()
            return AssociationRefused(
                AssociationResult.REJECTED_PERMANENT, Diagnostic.AUTHENTICATION_FAILURE
            )
        if not cipher.check_answer(proof, self._challenge):
            self.close()
            raise SecurityError("the server did not prove that it has the key (HLS-GMAC)")
        self._open = None
        self.state = SessionState.ASSOCIATED
        return Associated(self.conformance, self._server_pdu, cipher.peer_title)
