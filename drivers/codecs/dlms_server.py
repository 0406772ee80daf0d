"""The server side of DLMS/COSEM without I/O: associations and security around an object model.

    answer = server.receive_apdu(client, octets)      # None: nothing to send

The rules
---------
There is one association for each client address, and what a client may do is its `ClientAccess`.
Whatever the client sends gets a standard answer (AARE, data-access-result, exception-response);
no octets make `receive_apdu` raise. What it does raise comes from the model or from wrong
settings.

Order of refusals: not decodable or unknown, not authentic, replayed, less protected than the
policy demands, not associated, service not negotiated, and only then what the object says.

An answer is protected as its request was. A counter accepted once is refused for ever after, across
associations, for each client and system title; that of a proof (HLS pass 3) counts, too. All
answers under the server's title draw from one counter, because two clients may share a key.
HLS-GMAC: until the client has proven itself its association carries only that proof, and a wrong
one ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol, get_args

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
from drivers.codecs.apdu import Apdu, Notification, Request, UnsupportedApdu, decode_apdu
from drivers.codecs.ciphered_apdu import ENVELOPE_OCTETS, GLO_OF, CipheredApdu, envelope
from drivers.codecs.dlms_admission import (
    ClientAccess,
    initiate_fault,
    mechanism_fault,
    proposal,
    refusal,
)
from drivers.codecs.dlms_services import ObjectModel, Services
from drivers.codecs.errors import (
    LocalProtocolError,
    RemoteProtocolError,
    ReplayError,
    SecurityError,
)
from drivers.codecs.initiate import (
    InitiateRequest,
    InitiateResponse,
    initiate_error,
)
from drivers.codecs.security import (
    SYSTEM_TITLE_OCTETS,
    CipherContext,
    InvocationCounter,
    Protection,
    SecurityKeys,
)
from drivers.codecs.xdlms import (
    REPLY_TO_HLS,
    AccessResult,
    ActionRequest,
    ActionResponse,
    DataNotification,
    ExceptionResponse,
    ServiceError,
    StateError,
)


class _Association:
    """What stands with one client between AARQ and RLRQ."""

    __slots__ = (
        "cipher",
        "ciphered",
        "client_challenge",
        "general",
        "pending",
        "protection",
        "server_challenge",
        "services",
    )

    def __init__(
        self,
        services: Services,
        cipher: CipherContext | None,
        ciphered: bool,
        protection: Protection,
    ) -> None:
        self.services = services
        self.cipher = cipher
        self.ciphered = ciphered  # the context; HLS-GMAC has a cipher without it, too
        self.protection = protection  # of the request being answered
        self.general = False
        self.pending = False  # HLS: the client has not proven itself
        self.client_challenge = b""
        self.server_challenge = b""


class _Refusal(Exception):
    """Answer with this APDU and do nothing else."""

    def __init__(self, answer: ExceptionResponse) -> None:
        super().__init__(str(answer))
        self.answer = answer


def _not_allowed() -> _Refusal:
    return _Refusal(
        ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, ServiceError.OPERATION_NOT_POSSIBLE)
    )


_REQUESTS = get_args(Request)


class Gate(Protocol):
    """What the device itself has to say of who comes in: a lockout, a log."""

    def admits(self, client: int) -> bool:
        """False: an association is rejected for now (rejected-transient), whoever asks."""

    def proof(self, client: int, right: bool) -> None:
        """A client of HLS-GMAC has proven that it has the key, or failed to."""

    def replayed(self, client: int, counter: int) -> None:
        """An authentic request with a counter not above the newest seen was refused."""


class DlmsServer:
    """One logical device. `challenge` gives fresh random octets (8-64) for HLS at each call."""

    def __init__(
        self,
        model: ObjectModel,
        clients: Mapping[int, ClientAccess],
        *,
        system_title: bytes,
        challenge: Callable[[], bytes],
        sending: InvocationCounter | None = None,
        gate: Gate | None = None,
    ) -> None:
        self.model = model
        self._gate = gate
        self.system_title = system_title
        self.sending = sending or InvocationCounter()
        self._clients = dict(clients)
        self._challenge = challenge
        self._associations: dict[int, _Association] = {}
        self._ciphers: dict[tuple[int, bytes], CipherContext] = {}
        self._rekeyed: dict[int, tuple[SecurityKeys, bool]] = {}

    # -- what the device does around the protocol ------------------------------------------------

    def is_associated(self, client: int) -> bool:
        """True once an association stands, authentication included."""
        association = self._associations.get(client)
        return association is not None and not association.pending

    def link_lost(self, client: int | None = None) -> None:
        """The link is gone (None: of all clients), and the association with it."""
        if client is None:
            self._associations.clear()
        else:
            self._associations.pop(client, None)

    def rekey(self, client: int, keys: SecurityKeys, *, restart_counter: bool = False) -> None:
        """Use `keys` for this client from the next APDU on; an answer under way keeps the old.

        `restart_counter` forgets the newest counter seen: only where the encryption key is new,
        or old messages could be replayed.
        """
        self._rekeyed[client] = (keys, restart_counter)

    def restart_counter(self, client: int) -> None:
        """Forget the newest counters seen from this client, as a reset to factory state does."""
        for (owner, _), cipher in self._ciphers.items():
            if owner == client:
                cipher.newest_seen = -1

    def counter_of_request(self, client: int) -> int | None:
        """The invocation counter of the ciphered request being answered; None: it was plain."""
        association = self._associations.get(client)
        if association is None or not association.protection or association.cipher is None:
            return None
        return association.cipher.newest_seen

    def newest_seen(self) -> dict[tuple[int, bytes], int]:
        """The newest accepted counter by client and system title, to be kept across a restart."""
        return {key: cipher.newest_seen for key, cipher in self._ciphers.items()}

    def restore_newest_seen(self, counters: Mapping[tuple[int, bytes], int]) -> None:
        """Set what `newest_seen` gave; raises KeyError for a client this server does not know."""
        for (client, title), counter in counters.items():
            cipher = self._new_cipher(self._clients[client], title)
            cipher.newest_seen = counter
            self._ciphers[client, title] = cipher

    def notification(self, client: int, notification: Notification) -> bytes:
        """The APDU of an unsolicited message, protected as the client's last request was."""
        self._apply_rekeys()
        association = self._associations.get(client)
        if association is None or association.pending:
            raise LocalProtocolError(f"client {client} has no association")
        general = association.general or isinstance(notification, DataNotification)
        return self._sealed(association, notification.to_bytes(), general)

    # -- APDUs -----------------------------------------------------------------------------------

    def receive_apdu(self, client: int, octets: bytes) -> bytes | None:
        """The answer to one APDU from a client address; None where the standard has none."""
        if self._rekeyed:
            self._apply_rekeys()
        try:
            try:
                apdu = decode_apdu(octets)
                if isinstance(apdu, AssociationRequest):
                    return self._associate(client, apdu)
                if isinstance(apdu, ReleaseRequest):
                    return self._release(client, apdu)
                return self._serve(client, apdu)
            except UnsupportedApdu:
                error = ServiceError.SERVICE_NOT_SUPPORTED
                raise _Refusal(ExceptionResponse(StateError.SERVICE_UNKNOWN, error)) from None
            except ReplayError as replay:
                if self._gate is not None:
                    self._gate.replayed(client, replay.received)
                error = ServiceError.INVOCATION_COUNTER_ERROR
                counter = max(replay.newest_seen, 0)
                raise _Refusal(
                    ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, error, counter)
                ) from None
            except SecurityError:
                error = ServiceError.DECIPHERING_ERROR
                raise _Refusal(ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, error)) from None
            except RemoteProtocolError:
                error = ServiceError.OTHER_REASON
                raise _Refusal(ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, error)) from None
        except _Refusal as refusal:
            return refusal.answer.to_bytes()

    def _apply_rekeys(self) -> None:
        for client, (keys, restart_counter) in self._rekeyed.items():
            self._clients[client] = replace(self._clients[client], keys=keys)
            for (owner, _), cipher in self._ciphers.items():
                if owner == client:
                    cipher.rekey(keys)
                    if restart_counter:
                        cipher.newest_seen = -1
        self._rekeyed.clear()

    def _new_cipher(self, access: ClientAccess, title: bytes) -> CipherContext:
        if access.keys is None:
            raise LocalProtocolError("this client has no keys")
        return CipherContext(access.keys, self.system_title, title, sending=self.sending)

    def _sealed(self, association: _Association, plain: bytes, general: bool) -> bytes:
        cipher = association.cipher
        if not association.protection or cipher is None:
            return plain
        title = self.system_title if general else None
        return envelope(plain[0], cipher.protect(plain, association.protection), title).to_bytes()

    # -- association -----------------------------------------------------------------------------

    def _associate(self, client: int, request: AssociationRequest) -> bytes:
        self._associations.pop(client, None)
        access = self._clients.get(client)
        if access is None:
            return refusal(request, Diagnostic.NO_REASON_GIVEN)
        if self._gate is not None and not self._gate.admits(client):
            return refusal(request, Diagnostic.NO_REASON_GIVEN, transient=True)
        ciphered = request.context == ApplicationContext.LOGICAL_NAMES_CIPHERED
        if not ciphered and request.context != ApplicationContext.LOGICAL_NAMES:
            return refusal(request, Diagnostic.CONTEXT_NAME_NOT_SUPPORTED)
        if (ciphered and access.keys is None) or (access.required and not ciphered):
            return refusal(request, Diagnostic.CONTEXT_NAME_NOT_SUPPORTED)
        diagnostic = mechanism_fault(access, request)
        if diagnostic is not None:
            return refusal(request, diagnostic)
        cipher: CipherContext | None = None
        if ciphered or access.mechanism is Mechanism.HLS_GMAC:
            title = request.calling_title
            if title is None or len(title) != SYSTEM_TITLE_OCTETS or title == self.system_title:
                return refusal(request, Diagnostic.CALLING_TITLE_NOT_RECOGNIZED)
            cipher = self._ciphers.get((client, title)) or self._new_cipher(access, title)
        try:
            initiate, protection = proposal(request, cipher if ciphered else None)
        except RemoteProtocolError:
            return refusal(request, Diagnostic.AUTHENTICATION_FAILURE)
        if protection & access.required != access.required:
            return refusal(request, Diagnostic.AUTHENTICATION_FAILURE)
        if ciphered and cipher is not None and request.calling_title is not None:
            # Only now: a title becomes known by an authentic message, not by a claim.
            self._ciphers[client, request.calling_title] = cipher
        return self._granted(client, access, request, initiate, cipher, protection)

    def _granted(
        self,
        client: int,
        access: ClientAccess,
        request: AssociationRequest,
        initiate: InitiateRequest,
        cipher: CipherContext | None,
        protection: Protection,
    ) -> bytes:
        conformance = initiate.conformance & access.conformance
        client_pdu = initiate.max_pdu or 0xFFFF
        fault = initiate_fault(initiate, conformance)
        if fault is not None:
            error = initiate_error(fault).to_bytes()
            return refusal(request, Diagnostic.NO_REASON_GIVEN, error)
        ciphered = bool(protection)
        limit = client_pdu - (ENVELOPE_OCTETS if ciphered else 0)
        services = Services(self.model, client, conformance, limit, access.longest_value)
        association = _Association(services, cipher, ciphered, protection)
        information = InitiateResponse(conformance, access.max_pdu).to_bytes()
        if ciphered and cipher is not None:
            body = cipher.protect(information, protection)
            information = CipheredApdu(GLO_OF[information[0]], body).to_bytes()
        diagnostic, challenge = Diagnostic.NULL, None
        if access.mechanism is Mechanism.HLS_GMAC:
            challenge = self._challenge()
            if not 8 <= len(challenge) <= 64:
                raise LocalProtocolError("HLS challenge: expected 8 to 64 octets")
            association.pending = True
            association.client_challenge = request.authentication_value or b""
            association.server_challenge = challenge
            diagnostic = Diagnostic.AUTHENTICATION_REQUIRED
        self._associations[client] = association
        return AssociationResponse(
            context=request.context,
            result=AssociationResult.ACCEPTED,
            diagnostic=diagnostic,
            mechanism=access.mechanism if challenge is not None else Mechanism.NONE,
            responding_title=self.system_title if cipher is not None else None,
            authentication_value=challenge,
            user_information=information,
        ).to_bytes()

    def _release(self, client: int, request: ReleaseRequest) -> bytes:
        association = self._associations.get(client)
        if association is None:
            raise _not_allowed()
        information = request.user_information
        if information is not None and association.cipher and association.ciphered:
            closed = decode_apdu(information)
            if isinstance(closed, CipheredApdu):
                association.cipher.unprotect(closed.body, closed.title)
        del self._associations[client]
        return ReleaseResponse(0).to_bytes()

    # -- services --------------------------------------------------------------------------------

    def _serve(self, client: int, apdu: Apdu) -> bytes | None:
        association = self._associations.get(client)
        if association is None:
            raise _not_allowed()
        protection, general = Protection.NONE, False
        if isinstance(apdu, CipheredApdu):
            if association.cipher is None or not association.ciphered:
                raise SecurityError("ciphered APDU in a context without ciphering")
            plain, protection = association.cipher.unprotect(apdu.body, apdu.title)
            apdu.check_content(plain)
            general = apdu.title is not None
            apdu = decode_apdu(plain)
        required = self._clients[client].required
        if required and protection & required != required:
            raise _not_allowed()
        association.protection = protection
        association.general = general
        if not isinstance(apdu, _REQUESTS):
            raise UnsupportedApdu(f"{type(apdu).__name__} is not a request")
        if association.pending:
            answer = self._prove(client, association, apdu)
        else:
            answer = association.services.answer(apdu)
        return self._sealed(association, answer, general)

    def _prove(self, client: int, association: _Association, apdu: Apdu) -> bytes:
        """Pass 3 of HLS: the client's proof, answered with ours."""
        if not isinstance(apdu, ActionRequest) or apdu.method != REPLY_TO_HLS:
            raise _not_allowed()
        cipher, proof = association.cipher, apdu.parameters
        right = isinstance(proof, bytes) and (
            cipher is not None and cipher.check_answer(proof, association.server_challenge)
        )
        if self._gate is not None:
            self._gate.proof(client, right)
        if not right or cipher is None or not isinstance(proof, bytes):
            del self._associations[client]
            return ActionResponse(apdu.invoke, AccessResult.OTHER_REASON).to_bytes()
        association.pending = False
        # Whichever of two counters the client draws first: its next is above both.
        cipher.newest_seen = max(cipher.newest_seen, int.from_bytes(proof[1:5], "big"))
        if request_title := cipher.peer_title:
            self._ciphers[client, request_title] = cipher
        answer = cipher.answer_challenge(association.client_challenge)
        return ActionResponse(apdu.invoke, AccessResult.SUCCESS, answer).to_bytes()
