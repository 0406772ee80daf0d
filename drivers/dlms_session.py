"""Requests to a DLMS meter: associations of several clients over one port, and whose error it is.

Nothing came: `NoReply`. Something came that is no answer: `Garbled`. The meter said no: `Refused`
with the profile's word for it, or the meter's own. It does not accept who asks, or is not who it
must be: `AuthenticationFailed`. A request that changes something and was sent, and whose answer
was lost, damaged or not authentic, is `Ambiguous`; what fails before it was sent is not.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from bench.clock import Clock
from bench.errors import (
    Ambiguous,
    AuthenticationFailed,
    Garbled,
    NoReply,
    PeerError,
    PortGone,
    Refused,
)
from bench.secret import Secret
from bench.units import Micros
from drivers.codecs.acse import Diagnostic, Mechanism
from drivers.codecs.apdu import Notification
from drivers.codecs.cosem_types import CosemData
from drivers.codecs.dlms_client import ClientSettings, DlmsClient, SessionState
from drivers.codecs.dlms_events import (
    AccessRefused,
    Associated,
    AssociationRefused,
    Completed,
    Event,
    Excepted,
    LateAnswer,
    Notified,
    Transmit,
)
from drivers.codecs.errors import RemoteProtocolError, ReplayError, SecurityError
from drivers.codecs.obis import obis
from drivers.codecs.security import (
    HIGHEST_COUNTER,
    CipherContext,
    InvocationCounter,
    Protection,
    SecurityKeys,
)
from drivers.codecs.xdlms import (
    AccessFailure,
    Attribute,
    ExceptionResponse,
    Method,
    ServiceError,
    access_result_name,
)
from drivers.hdlc_port import Failure, HdlcPort, LinkFailed
from drivers.profiles.dlms import (
    ClientProfile,
    DlmsProfile,
    Security,
    command_counter,
    first_counter,
    result_word,
)
from drivers.profiles.dlms_keys import MeterKeys

DATA_CLASS: Final = 1
_KEPT: Final = 1_000
_CHALLENGE: Final = 16
_PASSED_BY: Final = 16  # answers to other requests, or notifications, before ours
_IDENTITY_DOUBTED: Final = frozenset(
    {
        Diagnostic.CALLING_TITLE_NOT_RECOGNIZED,
        Diagnostic.MECHANISM_NAME_NOT_RECOGNISED,
        Diagnostic.MECHANISM_NAME_REQUIRED,
        Diagnostic.AUTHENTICATION_FAILURE,
        Diagnostic.AUTHENTICATION_REQUIRED,
    }
)

Entropy = Callable[[int], bytes]
Admit = Callable[["Call"], None]


@dataclass(frozen=True, slots=True)
class MeterNotice:
    """A message nobody asked for, and when it was taken from the port."""

    at: Micros
    notification: Notification


class _Client:
    """One client address and what stands between it and the meter over several associations."""

    def __init__(self, profile: ClientProfile, dlms: DlmsClient) -> None:
        self.profile = profile
        self.dlms = dlms
        self.counter_known = False


class DlmsSession:
    """Owns the port. `name` is the meter's on the station, for errors."""

    def __init__(
        self,
        name: str,
        profile: DlmsProfile,
        reply_timeout: Micros,
        keys: MeterKeys,
        port: HdlcPort,
        entropy: Entropy = secrets.token_bytes,
    ) -> None:
        self._name = name
        self._profile = profile
        self._timeout = reply_timeout
        self._keys = keys
        self.port = port
        self.entropy = entropy
        self._clients: dict[int, _Client] = {}
        self.notices: deque[MeterNotice] = deque(maxlen=_KEPT)

    @property
    def clock(self) -> Clock:
        return self.port.clock

    def call(self, operation: str, admit: Admit | None = None) -> Call:
        """Begins one operation: brings the port and the line into order, starts its time-out.

        `admit`: makes sure who is at the port, at first and whenever that is in doubt.
        """
        self.port.bring_back()
        call = Call(self, operation, admit)
        try:
            self.port.fall_silent()
        except LinkFailed as failed:
            raise call.failure(failed) from None
        call.deadline = self.clock.now() + self._timeout
        call.admit()
        return call

    def client(self, call: Call, profile: ClientProfile) -> _Client:
        held = self._clients.get(profile.address)
        if held is None:
            held = _Client(profile, self._new_client(call, profile))
            self._clients[profile.address] = held
        return held

    def _new_client(self, call: Call, profile: ClientProfile) -> DlmsClient:
        keys = self._keys
        if profile.security is Security.NONE:
            return DlmsClient(ClientSettings())
        if profile.security is Security.LLS:
            password = call.held(keys.password, "password")
            return DlmsClient(ClientSettings(mechanism=Mechanism.LLS, password=password))
        reading = profile.address == self._profile.clients.reader.address
        encryption = call.held(
            keys.reader if reading else keys.management,
            "reader key" if reading else "management key",
        )
        authentication = call.held(keys.authentication, "authentication key")
        return DlmsClient(
            ClientSettings(mechanism=Mechanism.HLS_GMAC, protection=Protection.FULL),
            CipherContext(SecurityKeys(encryption, authentication), self._profile.title),
        )

    @property
    def name(self) -> str:
        return self._name

    @property
    def profile(self) -> DlmsProfile:
        return self._profile

    @property
    def password(self) -> Secret | None:
        return self._keys.password


class Call:
    """One operation of the interface: requests under one time-out, errors with its name."""

    def __init__(self, session: DlmsSession, operation: str, admit: Admit | None) -> None:
        self._session = session
        self._admit = admit
        self._admitting = False
        self._port = session.port
        self.operation = operation
        self.deadline: Micros = session.clock.now()

    def admit(self) -> None:
        """Raises a `PeerError` if another meter than expected is at the port."""
        if self._admit is not None and not self._admitting:
            self._admitting = True
            try:
                self._admit(self)
            finally:
                self._admitting = False

    # -- what is asked ---------------------------------------------------------------------------

    def read(self, client: ClientProfile, attributes: Sequence[Attribute]) -> list[CosemData]:
        """The attributes' values. One that the meter does not give is `Refused`."""
        if len(attributes) > 1 and self._session.profile.lists:
            values = self._ask(client, lambda dlms: dlms.get_list(attributes))
            if not isinstance(values, list) or len(values) != len(attributes):
                raise self.garbled(f"expected {len(attributes)} values")
            return [self._given(value) for value in values]
        return [self._given(self._ask(client, partial(_get, at=at))) for at in attributes]

    def write(self, client: ClientProfile, attribute: Attribute, value: CosemData) -> None:
        """On an association opened for it: with a meter that is not there nothing was sent."""
        self.associate(client, afresh=True)
        class_id, name, index = attribute.class_id, attribute.name, attribute.index
        self._ask(client, lambda dlms: dlms.set(class_id, name, index, value), changes=True)

    def act(
        self, client: ClientProfile, method: Method, parameters: CosemData, command: int
    ) -> None:
        """Runs a method in a request that carries the command counter, on an association that was
        opened for it.
        """
        self.associate(client, command)

        def request(dlms: DlmsClient) -> bytes:
            assert dlms.cipher is not None, "only a ciphering client carries a counter"
            dlms.cipher.sending.value = command_counter(command)
            return dlms.action(method.class_id, method.name, method.index, parameters)

        self._ask(client, request, changes=True, attempts=1)

    def associate(
        self, client: ClientProfile, command: int | None = None, *, afresh: bool = False
    ) -> None:
        """Makes sure that the client has an association, a new one if `afresh`.

        With a `command` counter it is a new one, whose messages carry the first counters of that
        command that neither side has used.
        """
        held = self._session.client(self, client)
        stands = self._port.client == client.address and held.dlms.state is SessionState.ASSOCIATED
        if stands and command is None and not afresh:
            return
        cipher = held.dlms.cipher
        if cipher is not None and (command is not None or not held.counter_known):
            least = self.newest_counter(client.counter) + 1
            own = cipher.sending.value
            if command is None:
                least = max(least, own)
            else:
                least = max(least, first_counter(command))
                least = max(least, own) if own <= command_counter(command) else least
            cipher.sending.value = least
            held.counter_known = True
        self._connect(client.address)
        self._open(held)

    def newest_counter(self, name: str) -> int:
        """The newest invocation counter the meter says it has seen, read without security."""
        public = self._session.profile.clients.public
        (value,) = self.read(public, [Attribute(DATA_CLASS, obis(name), 2)])
        if not isinstance(value, int) or not 0 <= value < HIGHEST_COUNTER:
            raise self.garbled(f"invocation counter: got {value!r}")
        return value

    def prove(self, address: int, keys: SecurityKeys, counter: int) -> bool:
        """One HLS-GMAC association with these keys; True if the meter proved that it has them."""
        dlms = DlmsClient(
            ClientSettings(mechanism=Mechanism.HLS_GMAC),
            CipherContext(keys, self._session.profile.title, sending=InvocationCounter(counter)),
        )
        self._connect(address)
        challenge = self._session.entropy(_CHALLENGE)
        try:
            event = self._talk(dlms, dlms.associate_request(challenge), hidden=())
        except LinkFailed as failed:
            if failed.failure is Failure.LOST:
                self.admit()
            raise self.failure(failed) from None
        except _Untrusted as untrusted:
            if isinstance(untrusted.error, SecurityError):
                return False  # what it answered is no proof under this key
            raise self._distrusted(untrusted, changes=False) from None
        if isinstance(event, AssociationRefused):
            if event.diagnostic == Diagnostic.AUTHENTICATION_FAILURE:
                return False
            raise self._association_error(event)
        if not isinstance(event, Associated):
            raise self._unexpected(event, changes=False)
        return True

    # -- how it is asked -------------------------------------------------------------------------

    def _ask(
        self,
        client: ClientProfile,
        request: Callable[[DlmsClient], bytes],
        *,
        changes: bool = False,
        attempts: int = 2,
    ) -> CosemData | list[CosemData | AccessFailure]:
        held = self._session.client(self, client)
        while True:
            attempts -= 1
            self.associate(client)
            dlms = held.dlms
            try:
                event = self._talk(dlms, request(dlms), hidden=())
            except _Untrusted as error:
                raise self._distrusted(error, changes) from None
            except LinkFailed as failed:
                # It forgot us, and so has not done anything: we introduce ourselves again.
                if failed.failure is Failure.LOST and failed.not_taken:
                    self.admit()
                    if attempts:
                        continue
                raise self.failure(failed, changes=changes) from None
            if isinstance(event, Completed):
                return event.value
            raise self._unexpected(event, changes=changes)

    def _connect(self, address: int) -> None:
        try:
            self._port.connect(address, self.deadline)
        except LinkFailed as failed:
            raise self.failure(failed) from None

    def _open(self, held: _Client) -> None:
        dlms, session = held.dlms, self._session
        challenge = b""
        hidden: tuple[Secret, ...] = ()
        if held.profile.security is Security.HLS_GMAC:
            challenge = session.entropy(_CHALLENGE)
        elif held.profile.security is Security.LLS and session.password is not None:
            hidden = (session.password,)
        try:
            event = self._talk(dlms, dlms.associate_request(challenge), hidden=hidden)
        except _Untrusted as error:
            raise self._distrusted(error, changes=False) from None
        except LinkFailed as failed:
            raise self.failure(failed) from None
        if isinstance(event, AssociationRefused):
            held.counter_known = False  # perhaps somebody else has used it meanwhile
            raise self._association_error(event)
        if not isinstance(event, Associated):
            held.counter_known = False
            raise self._unexpected(event, changes=False)

    def _talk(self, dlms: DlmsClient, apdu: bytes, *, hidden: Sequence[Secret]) -> Event:
        """Carries APDUs to and fro until something is decided."""
        deadline, passed = self.deadline, 0
        try:
            payload = self._port.exchange(apdu, deadline, hidden)
            while True:
                try:
                    event = dlms.receive_apdu(payload)
                except RemoteProtocolError as error:
                    self._port.give_up()
                    raise _Untrusted(error) from None
                if isinstance(event, Transmit):
                    payload = self._port.exchange(event.apdu, deadline, hidden)
                    continue
                if isinstance(event, Notified):
                    at = self._session.clock.now()
                    self._session.notices.append(MeterNotice(at, event.notification))
                elif not isinstance(event, LateAnswer):
                    return event
                passed += 1
                if passed > _PASSED_BY:
                    self._port.give_up()
                    raise LinkFailed(Failure.DAMAGED, "only answers to other requests")
                payload = self._port.more(deadline)
        except (LinkFailed, PortGone, _Untrusted):
            dlms.close()
            raise

    # -- whose error it is -----------------------------------------------------------------------

    def held(self, key: Secret | None, what: str) -> Secret:
        if key is None:
            raise self.refused("no-key", f"the bench holds no {what} for it")
        return key

    def refused(self, word: str, detail: str = "") -> Refused:
        code = self._session.profile.refusals.get(word, word)
        if code != word and not detail.startswith(word):
            detail = f"{word}: {detail}" if detail else word
        return Refused(self._session.name, self.operation, detail, code=code)

    def garbled(self, detail: str) -> Garbled:
        return Garbled(self._session.name, self.operation, detail)

    def failure(self, failed: LinkFailed, *, changes: bool = False) -> PeerError:
        """The error of a request that has no answer."""
        name, operation = self._session.name, self.operation
        if changes and not failed.not_taken:
            return Ambiguous(name, operation, failed.detail)
        if failed.failure is Failure.REFUSED:
            return self.refused("no-connection", failed.detail)
        if failed.failure is Failure.DAMAGED:
            return Garbled(name, operation, failed.detail)
        return NoReply(name, operation, "" if failed.failure is Failure.SILENT else failed.detail)

    def _given(self, value: object) -> CosemData:
        if isinstance(value, AccessFailure):
            raise self.refused(access_result_name(value.code))
        return value  # type: ignore[return-value]

    def _association_error(self, event: AssociationRefused) -> PeerError:
        if not event.by_provider and event.diagnostic in _IDENTITY_DOUBTED:
            return AuthenticationFailed(self._session.name, self.operation, str(event))
        return self.refused(result_word(event.result), str(event))

    def _unexpected(self, event: Event, *, changes: bool) -> PeerError:
        """An answer that is not what was asked for: most often a no."""
        if isinstance(event, AccessRefused):
            return self.refused(access_result_name(event.code))
        if isinstance(event, Excepted) and isinstance(event.error, ExceptionResponse):
            error = event.error.service_error
            if error == ServiceError.DECIPHERING_ERROR:
                return AuthenticationFailed(self._session.name, self.operation, str(event.error))
            try:
                word = ServiceError(error).name.lower().replace("_", "-")
            except ValueError:
                word = f"service-error-{error}"
            return self.refused(word, str(event.error))
        if isinstance(event, Excepted):
            return self.refused("confirmed-service-error", str(event.error))
        if changes:
            return Ambiguous(self._session.name, self.operation, type(event).__name__)
        return self.garbled(type(event).__name__)

    def _distrusted(self, untrusted: _Untrusted, changes: bool) -> PeerError:
        name, operation, detail = self._session.name, self.operation, str(untrusted.error)
        if changes:
            return Ambiguous(name, operation, detail)
        authentic = not isinstance(untrusted.error, SecurityError)
        if authentic or isinstance(untrusted.error, ReplayError):
            return Garbled(name, operation, detail)
        return AuthenticationFailed(name, operation, detail)


def _get(dlms: DlmsClient, *, at: Attribute) -> bytes:
    return dlms.get(at.class_id, at.name, at.index)


class _Untrusted(Exception):
    """What was answered breaks the protocol or is not authentic."""

    def __init__(self, error: RemoteProtocolError) -> None:
        self.error = error
        super().__init__(str(error))
