"""The `dlms` section of a device profile: where one model of meter keeps what, and for whom.

Objects are named by their OBIS code with dots (`1.0.1.8.0.255`). A profile leaves out what its
meter does not have; the driver then says `Refused` (`not-in-profile`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from bench.devices import KeySlot, PaymentMode, Role
from bench.units import SECOND, Micros
from drivers.codecs.acse import AssociationResult
from drivers.codecs.errors import LocalProtocolError
from drivers.codecs.hdlc import HdlcAddress
from drivers.codecs.hdlc_parameters import LONGEST_INFORMATION
from drivers.codecs.iec62056_21_messages import BAUD_BY_CODE, SignOn
from drivers.codecs.obis import obis
from drivers.codecs.security import SYSTEM_TITLE_OCTETS
from drivers.codecs.xdlms import AccessResult, ServiceError

Place = tuple[str | int, ...]
"""A place in the section, from its root."""


class Security(StrEnum):
    """How a client shows who it is. `hls-gmac` also encrypts and authenticates every request."""

    NONE = "none"
    LLS = "lls"
    HLS_GMAC = "hls-gmac"


@dataclass(frozen=True, slots=True)
class HdlcProfile:
    """`logical`/`physical`: the server address, `address-octets` long (0: the shortest that fits
    both; 1: there is no physical address).

    `information`: octets of one frame's information field, each way. `inactivity`: after so long
    without a frame the meter forgets the connection. `repeat_after`: silence after which a frame is
    sent again (it is recognised, so never acted on twice); never, unless the line needs it.
    """

    logical: int = 1
    physical: int = 17
    address_octets: int = 0
    information: int = 128
    inactivity: Micros = 60 * SECOND
    repeat_after: Micros | None = None

    @property
    def server(self) -> HdlcAddress:
        """LocalProtocolError: no such address."""
        physical = None if self.address_octets == 1 else self.physical
        return HdlcAddress(self.logical, physical, self.address_octets)


@dataclass(frozen=True, slots=True)
class SignOnProfile:
    """The optical port: IEC 62056-21 at 300 baud 7E1, then HDLC (mode E) at the rate of the code.

    `address`: the device address asked for; empty reaches any meter. `flag`: the manufacturer's
    three letters, which the emulated form answers.
    """

    baud_code: str = "5"
    address: str = ""
    flag: str = "SMB"

    @property
    def baud(self) -> int:
        return BAUD_BY_CODE[self.baud_code]


@dataclass(frozen=True, slots=True)
class ClientProfile:
    """One client address of the meter. `counter`: the object with the newest invocation counter
    the meter has seen from it, readable without security; needed by `hls-gmac`, unless the client
    only proves a key. `transfers_keys`: key transfer is accepted from it.
    """

    address: int
    security: Security = Security.NONE
    counter: str = ""
    transfers_keys: bool = False


@dataclass(frozen=True, slots=True)
class ClientsProfile:
    """`public` reads without security, `reader` everything but keys, `keys` manages them."""

    public: ClientProfile
    reader: ClientProfile
    keys: ClientProfile | None = None


@dataclass(frozen=True, slots=True)
class IdentityObjects:
    """Data objects (class 1) with text: visible-string or octet-string."""

    serial_number: str
    eui64: str
    manufacturer: str
    model: str
    firmware: str


@dataclass(frozen=True, slots=True)
class RegisterObject:
    """A register (class 3); its scaler and unit are read from the meter."""

    name: str
    object: str


@dataclass(frozen=True, slots=True)
class PaymentObjects:
    """`mode`: a data object with a number for each mode. `balance`: a register, in pounds."""

    mode: str
    balance: str
    modes: Mapping[str, int] = field(
        default_factory=lambda: {PaymentMode.CREDIT: 0, PaymentMode.PREPAYMENT: 1}
    )


@dataclass(frozen=True, slots=True)
class KeySlotObjects:
    """A key that can be proven and rotated: the global unicast key of a client of its own.

    `proof`: the address of that client, whose HLS-GMAC association the key opens;
    `proof_counter`: the object with the newest invocation counter seen in a proof (without it the
    bench draws a random one). `version`, `check_value`, `counter`: data objects with what the
    meter states of the key.
    """

    proof: int
    version: str
    check_value: str
    counter: str
    proof_counter: str = ""


@dataclass(frozen=True, slots=True)
class DlmsProfile:
    """`client_title`: the bench's system title, 16 hex digits. `lists`: several attributes are
    asked for in one request. `refusals`: the bench's word for a device's answer, by the device's:
    `rejected-transient` of an association, a data-access-result or an error of exception-response.
    """

    clients: ClientsProfile
    identity: IdentityObjects
    hdlc: HdlcProfile = HdlcProfile()
    sign_on: SignOnProfile | None = None
    client_title: str = "534D420000000001"
    lists: bool = True
    clock: str = "0.0.1.0.0.255"
    registers: tuple[RegisterObject, ...] = ()
    supply: str = ""
    payment: PaymentObjects | None = None
    security_setup: str = "0.0.43.0.0.255"
    key_slots: Mapping[KeySlot, KeySlotObjects] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> bytes:
        return bytes.fromhex(self.client_title)


COMMAND_BITS: Final = 8
"""Of an invocation counter: they number the messages of one command. See `command_counter`."""
_LAST_OF_COMMAND: Final = (1 << COMMAND_BITS) - 1
HIGHEST_COMMAND: Final = (1 << 32 - COMMAND_BITS) - 1


def first_counter(command: int) -> int:
    """The least invocation counter that belongs to this command counter."""
    return command << COMMAND_BITS


def command_counter(command: int) -> int:
    """The invocation counter that a key transfer with this command counter carries.

    The last of the command's block, so that the messages which open the association fit before it,
    and everything with the same or an older command counter is a replay after it.
    """
    return command << COMMAND_BITS | _LAST_OF_COMMAND


def command_of(invocation_counter: int) -> int:
    """The command counter that an invocation counter carries."""
    return invocation_counter >> COMMAND_BITS


DEVICE_WORDS: Final = frozenset(
    name.lower().replace("_", "-")
    for words in (AccessResult, ServiceError)
    for name in words.__members__
    if name != "SUCCESS"
) | {"rejected-transient", "rejected-permanent"}
"""What `refusals` may translate."""


def result_word(result: int) -> str:
    """The device's word for the result of an association."""
    transient = result == AssociationResult.REJECTED_TRANSIENT
    return "rejected-transient" if transient else "rejected-permanent"


def secured(profile: DlmsProfile, security: Security) -> DlmsProfile:
    """The same meter with another security of its reader, who may then transfer keys, too.

    For trying a foreign client against an emulated meter.
    """
    clients = profile.clients
    reader = replace(clients.reader, security=security, transfers_keys=True)
    return replace(profile, clients=replace(clients, reader=reader))


def complaints(profile: DlmsProfile, role: Role) -> Iterator[tuple[Place, str]]:
    """Everything wrong with the section, each with its place."""
    if role not in (Role.ELECTRICITY_METER, Role.GAS_METER):
        yield (), f"no DLMS driver knows the role {role}"
    yield from _link_complaints(profile)
    yield from _client_complaints(profile)
    for place, name in _objects(profile):
        try:
            obis(name)
        except LocalProtocolError as error:
            yield place, str(error)
    try:
        octets = len(profile.title)
    except ValueError:
        octets = 0
    if octets != SYSTEM_TITLE_OCTETS:
        yield ("client-title",), f"expected 16 hex digits, got '{profile.client_title}'"
    for word in profile.refusals.keys() - DEVICE_WORDS:
        yield (
            ("refusals", word),
            f"expected one of {', '.join(sorted(DEVICE_WORDS))}, got '{word}'",
        )
    if profile.payment is not None:
        modes = profile.payment.modes
        if set(modes) != set(PaymentMode) or len(set(modes.values())) != len(modes):
            yield ("payment", "modes"), "expected a number of its own for credit and prepayment"


def _link_complaints(profile: DlmsProfile) -> Iterator[tuple[Place, str]]:
    hdlc = profile.hdlc
    try:
        _ = hdlc.server
    except LocalProtocolError as error:
        yield ("hdlc",), str(error)
    if not 32 <= hdlc.information <= LONGEST_INFORMATION:
        yield ("hdlc", "information"), f"expected 32 to {LONGEST_INFORMATION} octets"
    if hdlc.inactivity < 1 or (hdlc.repeat_after is not None and hdlc.repeat_after < 1):
        yield ("hdlc",), "inactivity and repeat-after: expected a duration above 0"
    if profile.sign_on is not None:
        if profile.sign_on.baud_code not in "0123456":
            yield ("sign-on", "baud-code"), f"expected 0 to 6, got '{profile.sign_on.baud_code}'"
        if len(profile.sign_on.flag) != 3 or not profile.sign_on.flag.isalpha():
            yield ("sign-on", "flag"), f"expected three letters, got '{profile.sign_on.flag}'"
        try:
            SignOn(profile.sign_on.address).encode()
        except LocalProtocolError as error:
            yield ("sign-on", "address"), str(error)


def _client_complaints(profile: DlmsProfile) -> Iterator[tuple[Place, str]]:
    clients = profile.clients
    held: dict[int, tuple[str, ...]] = {}
    addresses: list[tuple[Place, int]] = []
    for name in ("public", "reader", "keys"):
        client: ClientProfile | None = getattr(clients, name)
        if client is None:
            continue
        addresses.append((("clients", name, "address"), client.address))
        if client.security is Security.HLS_GMAC and not client.counter:
            yield ("clients", name), "hls-gmac needs the object of its invocation counter"
    if clients.public.security is not Security.NONE:
        yield ("clients", "public", "security"), "expected none: it is who reads the counters"
    addresses += [
        (("key-slots", slot, "proof"), objects.proof) for slot, objects in profile.key_slots.items()
    ]
    for place, address in addresses:
        if not 1 <= address <= 0x7F:
            yield place, f"client address: expected 1 to 127, got {address}"
        elif address in held:
            yield place, f"client address {address} is already that of {'.'.join(held[address])}"
        held.setdefault(address, tuple(str(step) for step in place))
    if profile.key_slots:
        if clients.keys is None or not clients.keys.transfers_keys:
            yield ("clients",), "key-slots need a client 'keys' with transfers-keys: true"
        elif clients.keys.security is not Security.HLS_GMAC:
            yield ("clients", "keys", "security"), "expected hls-gmac: it carries the counter"


def _objects(profile: DlmsProfile) -> Iterator[tuple[Place, str]]:
    """Every object named, with its place; optional ones only if they are named."""
    for key, name in (("clock", profile.clock), ("supply", profile.supply)):
        if name:
            yield (key,), name
    yield ("security-setup",), profile.security_setup
    identity = profile.identity
    for key in IdentityObjects.__slots__:
        yield ("identity", key.replace("_", "-")), getattr(identity, key)
    for number, register in enumerate(profile.registers):
        yield ("registers", number, "object"), register.object
    if profile.payment is not None:
        yield ("payment", "mode"), profile.payment.mode
        yield ("payment", "balance"), profile.payment.balance
    for slot, objects in profile.key_slots.items():
        yield ("key-slots", slot, "version"), objects.version
        yield ("key-slots", slot, "check-value"), objects.check_value
        yield ("key-slots", slot, "counter"), objects.counter
        if objects.proof_counter:
            yield ("key-slots", slot, "proof-counter"), objects.proof_counter
    for name in ("public", "reader", "keys"):
        client: ClientProfile | None = getattr(profile.clients, name)
        if client is not None and client.counter:
            yield ("clients", name, "counter"), client.counter
