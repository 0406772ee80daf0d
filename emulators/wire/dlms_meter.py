"""A meter on its service port: DLMS/COSEM over HDLC, after an optical sign-on if its profile has
one. The same model as `direct:`, behind octets.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar, cast

from bench.clock import Appointment
from bench.devices import KeySlot
from bench.secret import Secret
from bench.units import MILLISECOND, Micros
from drivers.codecs.acse import Mechanism
from drivers.codecs.cosem_types import CosemData
from drivers.codecs.dlms_admission import ClientAccess
from drivers.codecs.dlms_server import DlmsServer
from drivers.codecs.dlms_services import DataAccessError
from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError, SecurityError
from drivers.codecs.hdlc import DM, P_F, FrameReader, HdlcAddress, HdlcFrame
from drivers.codecs.hdlc_events import Connected, Data, Disconnected, Event, FrameRejected
from drivers.codecs.hdlc_link import HdlcLink, LinkState, Role
from drivers.codecs.hdlc_parameters import LinkParameters
from drivers.codecs.initiate import Conformance
from drivers.codecs.key_wrap import KeyId, key_transfer_from, unwrap_key
from drivers.codecs.security import Protection, SecurityKeys
from drivers.codecs.xdlms import (
    AccessResult,
    ActionResponse,
    ExceptionResponse,
    ServiceError,
    StateError,
)
from drivers.profiles.dlms import DlmsProfile, Security, command_of
from drivers.profiles.dlms_keys import MeterKeys
from drivers.profiles.parts import dlms_part
from drivers.profiles.profile import Profile
from emulators.exchange import Channel
from emulators.models.meter import Meter
from emulators.models.rejection import Rejected
from emulators.wire.dlms_objects import MeterObjects, Rights, eui64_octets
from emulators.wire.kept_counters import KeptCounters, Seen
from emulators.wire.optical_head import OpticalHead
from emulators.wire.struck_request import AnotherDevice, NoAnswer, NotAuthentic, OnTheWire
from emulators.wire.wire_end import WireEnd

_CHALLENGE: Final = 16
_INTER_OCTET: Final = 200 * MILLISECOND
"""A frame with a longer pause inside is none: inter_octet_time_out of IEC HDLC setup (class 23).
Longer than usual there, since an operating system pauses too.
"""
_PROOF: Final = b"\xc3"
"""action-request: pass 3 of HLS, in a context without ciphering."""
_PROVING: Final = "proof of a key"
_COUNTER: Final = "a counter already seen"

T = TypeVar("T")


def _nothing() -> None:
    """For a request that the codec refused before it reached an object."""


Challenge = Callable[[], bytes]


class DlmsMeter:
    """Hears, takes its reaction time, acts and answers; one frame after the other.

    A meter without power hears nothing, and one that loses it forgets its connection. What reaches
    a sleeping gas meter waits for its wake-up at the hub, which this port stands for. Counters and
    keys outlive a loss of power; a factory reset forgets the counters of key transfers.
    """

    def __init__(
        self,
        model: Meter,
        profile: Profile,
        keys: MeterKeys,
        end: WireEnd,
        *,
        channel: Channel | None = None,
        challenge: Challenge = lambda: secrets.token_bytes(_CHALLENGE),
    ) -> None:
        """`channel`: where request faults lie in wait. `challenge`: fresh random octets for HLS."""
        self._model = model
        self._end = end
        self._reaction: Micros = profile.timing.reaction
        self._dlms: DlmsProfile = dlms_part(profile)
        self._inactivity = self._dlms.hdlc.inactivity
        self._logic = MeterLogic(model, self._dlms, keys, challenge, channel)
        octets = self._dlms.hdlc.information
        self._link = HdlcLink(
            Role.SERVER,
            server=self._dlms.hdlc.server,
            parameters=LinkParameters(octets, octets),
        )
        self._reader = FrameReader()
        self._client = 0
        self._waiting: deque[HdlcFrame] = deque()
        self._due: Appointment | None = None
        self._since = model.up_since
        self._active_at: Micros = 0
        self._octets_at: Micros = 0
        self._watch: Appointment | None = None
        self._head: OpticalHead | None = None
        if self._dlms.sign_on is not None:
            self._head = OpticalHead(
                self._dlms.sign_on, end, self._reaction, self._logic.readout, profile.line.settings
            )

    def kept(self) -> KeptCounters:
        """What outlives this program beside the model's state."""
        return self._logic.kept()

    def recall(self, kept: KeptCounters) -> None:
        """After the model's own state. ValueError: not the counters of such a meter."""
        self._logic.recall(kept)

    def receive(self, data: bytes, at: Micros) -> None:
        if not self._model.up:
            return
        self._forget_if_restarted()
        if self._watch is None:  # from the sign-on: after the hand-over perhaps nothing is heard
            self._active_at = at
            self._watch = self._end.clock.call_at(at + self._inactivity, self._look_for_activity)
        if self._head is not None and not self._head.handed_over:
            self._active_at = at
            data = self._head.receive(data, at)
            if not data:
                return
        if at - self._octets_at > _INTER_OCTET:
            self._reader.clear()  # whoever began that frame is gone
        self._octets_at = at
        frames = self._reader.receive(data)
        if frames:  # noise does not keep a connection alive
            self._active_at = at
        self._waiting += frames
        if self._waiting and self._due is None:
            self._take_later(at)

    def _take_later(self, at: Micros) -> None:
        """The next frame is acted on after the reaction time, once the meter is awake."""
        awake = self._model.answers_at(at)
        if awake is None:  # for as long as things stand; looked at again with the next octets
            self._due = None
            return
        self._due = self._end.clock.call_at(max(awake, at) + self._reaction, self._act)

    def _act(self) -> None:
        due, self._due = self._due, None
        now = self._end.clock.now()
        if not self._model.up:
            return
        self._forget_if_restarted()
        if not self._waiting:
            return
        awake = self._model.answers_at(now - self._reaction)
        if awake is None or awake > now:  # fell asleep since: no wake-up any more, or a later one
            self._take_later(now)
            return
        self._active_at = now
        events: list[Event] = []
        self._link.receive_frame(self._waiting.popleft(), events)
        octets = b""
        ended = False
        for event in events:
            if isinstance(event, Connected):
                self._logic.link_lost()
                self._client = event.client.upper
            elif isinstance(event, (Disconnected, FrameRejected)):
                self._logic.link_lost()
                ended = True
            elif isinstance(event, Data):
                octets += self._answered(event.payload)
        octets = self._link.octets_to_send() + octets
        if octets and self._model.up:
            self._send(octets, now if due is None else due.due)
        if ended and self._head is not None:
            self._head.begin_anew()
        if self._waiting:
            self._take_later(now)

    def _answered(self, apdu: bytes) -> bytes:
        """What to write for it; nothing where a fault leaves it unanswered."""
        try:
            answer = self._logic.answer(self._client, apdu)
        except NoAnswer:
            return b""
        except AnotherDevice:
            self._forget()
            return HdlcFrame(HdlcAddress(self._client), self._dlms.hdlc.server, DM | P_F).to_bytes()
        return self._link.acknowledge() if answer is None else self._link.send(Data(answer))

    def _send(self, octets: bytes, since: Micros) -> None:
        """`since`: when the reaction time was over, however late this host is."""
        late, damaged = self._logic.struck()
        if damaged:
            middle = len(octets) // 2
            octets = octets[:middle] + bytes((octets[middle] ^ 0x10,)) + octets[middle + 1 :]
        if late:
            self._end.clock.call_at(self._end.clock.now() + late, partial(self._end.send, octets))
        else:
            self._end.send(octets, since)

    def _look_for_activity(self) -> None:
        """Ends a connection on which nothing was said for `inactivity`."""
        now = self._end.clock.now()
        ends = self._active_at + self._inactivity
        if self._waiting:
            ends = max(ends, now + self._inactivity)  # asleep, and something is waiting for it
        if now < ends:
            self._watch = self._end.clock.call_at(ends, self._look_for_activity)
            return
        self._watch = None
        self._forget()

    def _forget_if_restarted(self) -> None:
        if self._since != self._model.up_since:
            self._since = self._model.up_since
            self._waiting.clear()
            self._forget()

    def _forget(self) -> None:
        if self._link.state is LinkState.CONNECTED:
            self._logic.link_lost()
        self._link.reset()
        self._reader.clear()
        if self._head is not None:
            self._head.begin_anew()


class MeterLogic:
    """What a meter does above its link: associations, objects, keys and lockout.

    `drivers.codecs.dlms_server.Gate`: a locked meter rejects, for now, whoever comes to prove or
    transfer a key.
    """

    def __init__(
        self,
        model: Meter,
        profile: DlmsProfile,
        keys: MeterKeys,
        challenge: Challenge,
        channel: Channel | None,
    ) -> None:
        self._model = model
        self._channel = channel
        self._late: Micros = 0
        self._damaged = False
        self._operation = ""  # whose faults have had their say on this request
        self._impostor = False
        self._exchange: OnTheWire[Any] | None = None
        self._profile = profile
        self._master = keys.master
        self._authentication = keys.authentication
        self._slot_of = {
            where.proof: slot
            for slot, where in profile.key_slots.items()
            if slot in model.keys.slots
        }
        self._held = {slot: model.keys.held(slot) for slot in self._slot_of.values()}
        self._commands = dict.fromkeys(self._held, 0)
        clients = profile.clients
        rights = {
            clients.public.address: Rights(public_only=True),
            clients.reader.address: Rights(
                writes=True, transfers_keys=clients.reader.transfers_keys
            ),
        }
        access = {
            clients.public.address: ClientAccess(),
            clients.reader.address: self._access(clients.reader.security, keys.reader, keys),
        }
        if clients.keys is not None:
            rights[clients.keys.address] = Rights(transfers_keys=clients.keys.transfers_keys)
            access[clients.keys.address] = self._access(
                clients.keys.security, keys.management, keys
            )
        for address, slot in self._slot_of.items():
            access[address] = ClientAccess(
                mechanism=Mechanism.HLS_GMAC,
                keys=self._proof_keys(self._held[slot]),
                conformance=Conformance.ACTION,
            )
        title = eui64_octets(model.spec.eui64)
        self._objects = MeterObjects(
            model,
            profile,
            rights,
            title=title,
            newest_seen=self._newest_seen,
            transfer=self._transfer,
            suffer=self._suffer,
            eui64=self._stated_eui64,
        )
        self._server = DlmsServer(
            self._objects, access, system_title=title, challenge=challenge, gate=self
        )

    def answer(self, client: int, apdu: bytes) -> bytes | None:
        """`NoAnswer`, `AnotherDevice`: a fault struck."""
        self._follow_keys()
        self._operation = ""
        if client not in self._slot_of or apdu[:1] != _PROOF:
            return self._server.receive_apdu(client, apdu)
        try:
            return self._suffer("prove_key", partial(self._prove, client, apdu), _PROVING)
        except Rejected:
            error = ServiceError.OPERATION_NOT_POSSIBLE
        except SecurityError:
            error = ServiceError.DECIPHERING_ERROR
        return ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, error).to_bytes()

    def _prove(self, client: int, apdu: bytes) -> bytes | None:
        """Pass 3 of HLS; a deviant may answer as if the key were wrong."""
        if self._model.denies_proof():
            if self._exchange is not None:
                self._exchange.code = "wrong-key"
            return ActionResponse(apdu[2], AccessResult.OTHER_REASON).to_bytes()
        return self._server.receive_apdu(client, apdu)

    def struck(self) -> tuple[Micros, bool]:
        """By how much the answer just given is late, and whether it is damaged. Asked once."""
        found = self._late, self._damaged
        self._late, self._damaged = 0, False
        return found

    def _stated_eui64(self) -> str:
        """The meter's own; once another's, where a fault put another meter in its place."""
        eui64 = self._model.identity().eui64
        if self._impostor:
            self._impostor = False
            eui64 = eui64[:-2] + f"{int(eui64[-2:], 16) ^ 0xFF:02X}"
        return eui64

    def _suffer(self, operation: str, act: Callable[[], T], what: str) -> T:
        """Acts, as the faults in wait let it. A request of several attributes is struck once."""
        if self._channel is None or self._operation == operation:
            return act()
        self._operation = operation
        self._exchange = exchange = OnTheWire(self._channel, operation, act, what)
        try:
            answer = exchange.suffer()
        except DataAccessError as no:
            exchange.refuse(str(no).lower().replace("_", "-"))
            raise
        except NotAuthentic:
            raise SecurityError("struck by a fault") from None
        except AnotherDevice:
            self._impostor = True
            raise
        self._late, self._damaged = exchange.late, exchange.damaged
        return cast("T", answer)

    def link_lost(self) -> None:
        self._server.link_lost()

    def kept(self) -> KeptCounters:
        seen = [
            Seen(client, title.hex(), counter)
            for (client, title), counter in sorted(self._server.newest_seen().items())
        ]
        return KeptCounters(self._server.sending.value, tuple(seen))

    def recall(self, kept: KeptCounters) -> None:
        """After the model's own state. ValueError: not the counters of such a meter."""
        try:
            seen = {(one.client, bytes.fromhex(one.title)): one.newest for one in kept.seen}
            self._server.restore_newest_seen(seen)
        except (KeyError, ValueError, LocalProtocolError):
            raise ValueError(
                "counters: expected those of clients that the profile lets cipher"
            ) from None
        self._server.sending.value = kept.next
        self._follow_keys()

    def readout(self) -> bytes:
        """The data block of IEC 62056-21 mode C: identity and registers."""
        identity, reading = self._model.identity(), self._model.read_registers()
        unit = "m3" if reading.unit == "m³" else reading.unit
        lines = [f"0.0.0({identity.serial_number})", f"0.2.0({identity.firmware})"]
        for (_, value), where in zip(reading.values, self._profile.registers, strict=False):
            code = ".".join(where.object.split(".")[2:5])
            lines.append(f"{code}({value:012.3f}*{unit})")
        return ("".join(f"{line}\r\n" for line in lines) + "!\r\n").encode("ascii", "replace")

    # -- the server's gate -----------------------------------------------------------------------

    def admits(self, client: int) -> bool:
        keys_client = self._profile.clients.keys
        about_keys = client in self._slot_of or (
            keys_client is not None and client == keys_client.address
        )
        return not (about_keys and self._model.keys.locked(self._model.clock.now()))

    def proof(self, client: int, right: bool) -> None:
        slot = self._slot_of.get(client)
        if slot is not None:
            if not right and self._exchange is not None:
                self._exchange.code = "wrong-key"
            with suppress(Rejected):
                self._model.keys.answer_proof(slot, right, self._model.clock.now())

    def replayed(self, client: int, counter: int) -> None:
        keys_client = self._profile.clients.keys
        if keys_client is None or client != keys_client.address:
            return
        if self._channel is not None:
            OnTheWire(self._channel, "rotate_key", _nothing, _COUNTER).refuse("counter-not-newer")
        for slot in self._held:
            with suppress(Rejected):  # the model notes it in its log
                self._model.keys.refuse_older(slot, command_of(counter), self._model.clock.now())

    # -- keys ------------------------------------------------------------------------------------

    def _access(
        self, security: Security, encryption: Secret | None, keys: MeterKeys
    ) -> ClientAccess:
        if security is Security.NONE:
            return ClientAccess()
        if security is Security.LLS:
            assert keys.password is not None, "a meter with LLS has a password"
            return ClientAccess(mechanism=Mechanism.LLS, password=keys.password)
        assert encryption is not None, "a meter with HLS-GMAC has a key for each client"
        assert keys.authentication is not None, "a meter with HLS-GMAC has an authentication key"
        return ClientAccess(
            mechanism=Mechanism.HLS_GMAC,
            keys=SecurityKeys(encryption, keys.authentication),
            required=Protection.FULL,
        )

    def _proof_keys(self, held: Secret) -> SecurityKeys:
        assert self._authentication is not None, (
            "a meter that proves keys has an authentication key"
        )
        return SecurityKeys(held, self._authentication)

    def _follow_keys(self) -> None:
        """The proof client's key is the one the model holds; a factory reset begins anew."""
        for address, slot in self._slot_of.items():
            held = self._model.keys.held(slot)
            if held is not self._held[slot]:
                self._held[slot] = held
                self._server.rekey(address, self._proof_keys(held), restart_counter=True)
            counter = self._model.keys.state(slot).counter
            if counter < self._commands[slot] and self._profile.clients.keys is not None:
                self._server.restart_counter(self._profile.clients.keys.address)
            self._commands[slot] = counter

    def _newest_seen(self, client: int) -> int:
        seen = self._server.newest_seen()
        return max((counter for (owner, _), counter in seen.items() if owner == client), default=0)

    def _transfer(self, parameters: CosemData, client: int) -> Callable[[], CosemData]:
        """key_transfer: the slot's key is replaced if it was wrapped under the master key.

        It is of the request that carries it, with that request's counter, however late it is done.
        """
        return partial(self._take, parameters, self._server.counter_of_request(client))

    def _take(self, parameters: CosemData, carried: int | None) -> CosemData:
        try:
            (given,) = key_transfer_from(parameters)
        except (RemoteProtocolError, ValueError):
            raise DataAccessError(AccessResult.TYPE_UNMATCHED) from None
        slot = next(iter(self._held), None)
        if slot is None or given.key_id != KeyId.GLOBAL_UNICAST_ENCRYPTION or not self._master:
            raise DataAccessError(AccessResult.OBJECT_UNDEFINED)
        try:
            octets = unwrap_key(self._master, given.wrapped).reveal()
        except SecurityError:
            raise DataAccessError(AccessResult.OTHER_REASON) from None
        new = Secret(octets, f"{slot} of {self._model.spec.name}")
        self._model.rotate_key(slot, new, self._command(slot, carried))
        self._commands[slot] = self._model.keys.state(slot).counter
        return None

    def _command(self, slot: KeySlot, carried: int | None) -> int:
        """The command counter that the request carries; a plain request has none and is counted
        as the next.
        """
        if carried is None:
            return self._model.keys.state(slot).counter + 1
        return command_of(carried)
