"""What the DLMS tests share: test keys, a small object model, both roles end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from drivers.codecs.acse import Mechanism
from drivers.codecs.cosem_time import CosemDateTime
from drivers.codecs.cosem_types import CosemData, DoubleLongUnsigned, Enumerated, Integer
from drivers.codecs.dlms_admission import ClientAccess
from drivers.codecs.dlms_client import ClientSettings, DlmsClient
from drivers.codecs.dlms_events import Event, Transmit
from drivers.codecs.dlms_server import DlmsServer
from drivers.codecs.dlms_services import DataAccessError
from drivers.codecs.hdlc import HdlcAddress
from drivers.codecs.hdlc_events import Connect, Connected, Data, Disconnected
from drivers.codecs.hdlc_link import HdlcLink, Role
from drivers.codecs.hdlc_parameters import LinkParameters
from drivers.codecs.obis import obis
from drivers.codecs.security import CipherContext, Protection, SecurityKeys
from drivers.codecs.xdlms import AccessResult, Attribute, Method

PUBLIC, READER, MANAGER = 0x10, 0x20, 0x01
CLOCK, ENERGY, LONG_VALUE = obis("0.0.1.0.0.255"), obis("1.0.1.8.0.255"), obis("0.0.96.1.0.255")
SECURITY_SETUP = obis("0.0.43.0.0.255")
CLIENT_TITLE, SERVER_TITLE = b"MMM\x00\x00\x00\x00\x01", b"MMM\x00\x00\xbcaN"


@dataclass(frozen=True, slots=True)
class Key:
    """A test key; says nothing of itself, like the real ones."""

    octets: bytes = field(repr=False)

    def reveal(self) -> bytes:
        return self.octets


KEYS = SecurityKeys(Key(bytes(range(16))), Key(bytes(range(0xD0, 0xE0))))
OTHER_KEYS = SecurityKeys(Key(bytes(range(16, 32))), Key(bytes(range(0xA0, 0xB0))))
PASSWORD = Key(b"12345678")
NOON = CosemDateTime.from_utc(1_751_371_200_000_000)


class Objects:
    """A clock, a register, and one attribute that may hold anything."""

    def __init__(self) -> None:
        self.values: dict[tuple[int, bytes, int], CosemData] = {
            (8, CLOCK, 1): CLOCK,
            (8, CLOCK, 2): NOON.to_bytes(),
            (3, ENERGY, 1): ENERGY,
            (3, ENERGY, 2): DoubleLongUnsigned(123_456),
            (3, ENERGY, 3): (Integer(-3), Enumerated(30)),
            (1, LONG_VALUE, 2): bytes(range(256)) * 12,
        }
        self.acted: list[tuple[Method, CosemData]] = []

    def get(self, attribute: Attribute, client: int) -> CosemData:
        try:
            return self.values[attribute.class_id, attribute.name, attribute.index]
        except KeyError:
            raise DataAccessError(AccessResult.OBJECT_UNDEFINED) from None

    def set(self, attribute: Attribute, value: CosemData, client: int) -> None:
        if client == PUBLIC:
            raise DataAccessError(AccessResult.READ_WRITE_DENIED)
        self.get(attribute, client)
        self.values[attribute.class_id, attribute.name, attribute.index] = value

    def action(self, method: Method, parameters: CosemData, client: int) -> CosemData:
        if method.index == 9:
            raise DataAccessError(AccessResult.SCOPE_OF_ACCESS_VIOLATED)
        self.acted.append((method, parameters))
        return parameters


def challenges() -> Callable[[], bytes]:
    """Server challenges, every one new and every run the same."""

    def numbered() -> Iterator[bytes]:
        number = 0
        while True:
            number += 1
            yield b"S" * 12 + number.to_bytes(4, "big")

    source = numbered()
    return lambda: next(source)


def make_server(objects: Objects | None = None) -> DlmsServer:
    manager = ClientAccess(
        mechanism=Mechanism.HLS_GMAC, keys=KEYS, required=Protection.FULL, max_pdu=1024
    )
    return DlmsServer(
        objects or Objects(),
        {
            PUBLIC: ClientAccess(),
            READER: ClientAccess(mechanism=Mechanism.LLS, password=PASSWORD),
            MANAGER: manager,
        },
        system_title=SERVER_TITLE,
        challenge=challenges(),
    )


def make_client(
    address: int, *, max_pdu: int = 0xFFFF, general: bool = False, keys: SecurityKeys = KEYS
) -> DlmsClient:
    if address == PUBLIC:
        return DlmsClient(ClientSettings(max_pdu=max_pdu))
    if address == READER:
        return DlmsClient(
            ClientSettings(mechanism=Mechanism.LLS, password=PASSWORD, max_pdu=max_pdu)
        )
    settings = ClientSettings(
        mechanism=Mechanism.HLS_GMAC,
        protection=Protection.FULL,
        general_ciphering=general,
        max_pdu=max_pdu,
    )
    return DlmsClient(settings, CipherContext(keys, CLIENT_TITLE))


def converse(client: DlmsClient, server: DlmsServer, address: int, apdu: bytes) -> Event:
    """Carry APDUs between both until something is decided."""
    for _ in range(10_000):
        answer = server.receive_apdu(address, apdu)
        assert answer is not None
        event = client.receive_apdu(answer)
        if not isinstance(event, Transmit):
            return event
        apdu = event.apdu
    raise AssertionError("the conversation does not end")


class Line:
    """Both ends of an HDLC link with a server behind one; `cut` may change what is on the wire."""

    def __init__(
        self,
        server: DlmsServer,
        address: int,
        *,
        parameters: LinkParameters | None = None,
        slice_octets: int = 0,
    ) -> None:
        self.server = server
        self.address = address
        meter = HdlcAddress(1, 17)
        self.far = HdlcLink(Role.SERVER, server=meter, parameters=parameters)
        self.near = HdlcLink(
            Role.CLIENT, server=meter, client=HdlcAddress(address), parameters=parameters
        )
        self.slice_octets = slice_octets
        self.cut: Callable[[bytes], bytes] = lambda octets: octets

    def connect(self) -> None:
        events = self._carry(self.near.send(Connect()))
        assert isinstance(events[0], Connected)

    def exchange(self, apdu: bytes) -> bytes:
        """The server's answer to one APDU; repeats what is lost, a few times."""
        octets = self.near.send(Data(apdu))
        for _ in range(8):
            for event in self._carry(octets):
                if isinstance(event, Data):
                    return event.payload
            octets = self.near.retransmit()
        raise AssertionError("no answer")

    def _sliced(self, octets: bytes) -> list[bytes]:
        size = self.slice_octets or max(len(octets), 1)
        return [octets[start : start + size] for start in range(0, len(octets), size)]

    def _carry(self, octets: bytes) -> list[object]:
        """Carry octets to and fro until both ends are silent; the client's events."""
        events: list[object] = []
        while octets:
            answer = b""
            for piece in self._sliced(self.cut(octets)):
                for event in self.far.receive(piece):
                    if isinstance(event, Data):
                        apdu = self.server.receive_apdu(self.address, event.payload)
                        sent = self.far.acknowledge() if apdu is None else self.far.send(Data(apdu))
                        answer += sent
                    elif isinstance(event, Disconnected):
                        self.server.link_lost(self.address)
                answer += self.far.octets_to_send()
            octets = b""
            for piece in self._sliced(self.cut(answer)):
                events += self.near.receive(piece)
                octets += self.near.octets_to_send()
        return events
