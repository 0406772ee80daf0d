"""The emulated DLMS meter, spoken to frame by frame."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.devices import KeySlot
from bench.errors import PeerError
from bench.secret import Secret
from bench.units import MINUTE, SECOND
from drivers.codecs.acse import AssociationRequest, Mechanism
from drivers.codecs.ciphered_apdu import CipheredApdu
from drivers.codecs.dlms_client import ClientSettings, DlmsClient
from drivers.codecs.dlms_events import AccessRefused, Associated, Completed, Transmit
from drivers.codecs.hdlc import FrameKind, FrameReader, HdlcAddress
from drivers.codecs.hdlc_events import Connect, Connected, Data, Disconnected, Ending
from drivers.codecs.hdlc_link import HdlcLink, Role
from drivers.codecs.obis import obis
from drivers.codecs.security import CipherContext, Protection, SecurityKeys
from drivers.dlms_meter import DlmsMeter as Driver
from drivers.profiles.dlms import DlmsProfile
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import Profile, read_profile
from drivers.transport.memory import MemoryPort
from emulators.models.meter import Meter
from emulators.wire.dlms_meter import DlmsMeter
from tests.wire.kit_on_wire import home

SUA = KeySlot.SUA
HELD = Secret(bytes(16), "held")
TITLE = b"SMB\x00\x00\x00\x00\x07"


def shipped(name: str) -> tuple[Profile, DlmsProfile]:
    profile = read_profile(f"generic-dlms-{name}")
    assert profile.dlms is not None
    return profile, profile.dlms


class Wire:
    """A client of the codecs at the meter's port."""

    def __init__(self, name: str = "electricity") -> None:
        self.profile, self.dlms = shipped(name)
        self.home = home()
        self.clock = self.home.clock
        model = self.home.world.models[name]
        assert isinstance(model, Meter)
        self.model = model
        self.keys = demo_meter_keys(model.spec.eui64)
        self.port = MemoryPort(name, self.clock, self.profile.line.settings)
        self.port.attach(DlmsMeter(model, self.profile, self.keys, self.port))
        self.transport = self.port.connect(self.port.line)
        self.link: HdlcLink | None = None

    def wait(self, span: int) -> None:
        self.clock.sleep_until(self.clock.now() + span)

    def carry(self, octets: bytes, patience: int = 5 * SECOND) -> Any:
        """What came of it; None for silence."""
        assert self.link is not None
        self.transport.write(octets)
        until = self.clock.now() + patience
        while data := self.transport.read(until):
            events = self.link.receive(data)
            answer = self.link.octets_to_send()
            if answer:
                self.transport.write(answer)
            if events:
                return events[0]
        return None

    def connect(self, client: int, patience: int = 5 * SECOND) -> Any:
        self.link = HdlcLink(Role.CLIENT, server=self.dlms.hdlc.server, client=HdlcAddress(client))
        return self.carry(self.link.send(Connect()), patience)

    def ask(self, dlms: DlmsClient, apdu: bytes) -> Any:
        while True:
            assert self.link is not None
            event = self.carry(self.link.send(Data(apdu)))
            if not isinstance(event, Data):
                return event
            said = dlms.receive_apdu(event.payload)
            if not isinstance(said, Transmit):
                return said
            apdu = said.apdu

    def associated(self, client: int, encryption: Secret | None) -> DlmsClient:
        """Of a client address, with HLS-GMAC if there is a key; a prover's is not ciphered."""
        assert self.keys.authentication is not None
        dlms = DlmsClient(ClientSettings())
        if encryption is not None:
            prover = client == self.dlms.key_slots[SUA].proof
            full = Protection.NONE if prover else Protection.FULL
            dlms = DlmsClient(
                ClientSettings(mechanism=Mechanism.HLS_GMAC, protection=full),
                CipherContext(SecurityKeys(encryption, self.keys.authentication), TITLE),
            )
        assert isinstance(self.connect(client), Connected)
        event = self.ask(dlms, dlms.associate_request(b"C" * 16 if encryption else b""))
        assert isinstance(event, Associated), event
        return dlms


def get(wire: Wire, dlms: DlmsClient, class_id: int, name: str, index: int = 2) -> Any:
    return wire.ask(dlms, dlms.get(class_id, obis(name), index))


UNDEFINED, DENIED = AccessRefused(4), AccessRefused(3)


def test_the_public_client_sees_who_it_is_and_the_counters_only() -> None:
    wire = Wire()
    dlms, part = wire.associated(16, None), wire.dlms
    assert get(wire, dlms, 1, "0.0.42.0.0.255") == Completed(b"SMBSN1")
    assert isinstance(get(wire, dlms, 8, part.clock), Completed)
    assert get(wire, dlms, 1, part.clients.reader.counter) == Completed(0)
    assert get(wire, dlms, 3, part.registers[0].object) == UNDEFINED
    assert get(wire, dlms, 1, part.identity.serial_number) == UNDEFINED
    listed = get(wire, dlms, 15, "0.0.40.0.0.255")
    names = {entry[2] for entry in listed.value}
    assert obis(part.clock) in names
    assert obis(part.registers[0].object) not in names
    now = get(wire, dlms, 8, part.clock).value
    assert wire.ask(dlms, dlms.set(8, obis(part.clock), 2, now)) == DENIED
    assert wire.model.executed == {}


def test_the_reader_reads_all_and_transfers_no_key() -> None:
    wire = Wire()
    dlms, part = wire.associated(32, wire.keys.reader), wire.dlms
    listed = get(wire, dlms, 15, "0.0.40.0.0.255").value
    for class_id, _, name, (attributes, _) in listed:
        for index, _, _ in attributes:
            answer = wire.ask(dlms, dlms.get(int(class_id), name, int(index)))
            assert isinstance(answer, Completed), (class_id, name, index)
    transfer = dlms.action(64, obis(part.security_setup), 2, [])
    assert wire.ask(dlms, transfer) == DENIED


def test_a_prover_of_a_key_may_do_nothing_else() -> None:
    wire = Wire()
    dlms = wire.associated(3, HELD)
    for class_id, name, index in ((64, wire.dlms.security_setup, 2), (70, wire.dlms.supply, 1)):
        assert wire.ask(dlms, dlms.action(class_id, obis(name), index, [])) == UNDEFINED


@pytest.mark.parametrize("how", ["restart", "idle"])
def test_a_meter_forgets_its_connection(how: str) -> None:
    wire = Wire()
    dlms = wire.associated(16, None)
    if how == "restart":
        how_it_is = replace(wire.model.spec.emulation, reboot_takes=5 * SECOND)
        wire.model.spec = replace(wire.model.spec, emulation=how_it_is)
        wire.model.restart()
        wire.wait(10 * SECOND)
    else:
        wire.wait(wire.dlms.hdlc.inactivity - SECOND)
        assert isinstance(get(wire, dlms, 8, wire.dlms.clock), Completed)
        wire.wait(wire.dlms.hdlc.inactivity + SECOND)
    assert get(wire, dlms, 8, wire.dlms.clock) == Disconnected(Ending.NOT_CONNECTED)


def test_what_reaches_a_sleeping_gas_meter_waits_for_its_wake_up() -> None:
    wire = Wire("gas")
    every = wire.model.spec.emulation.wakes_every
    started = wire.clock.now()
    assert isinstance(wire.connect(16, every), Connected)
    woken = wire.clock.now()
    assert 10 * SECOND < woken - started < every
    wire.wait(wire.model.spec.emulation.awake_for)
    assert wire.connect(16, every - 30 * SECOND) is None, "asleep again"
    assert isinstance(wire.connect(16, MINUTE), Connected)
    assert abs(wire.clock.now() - woken - every) < SECOND


def test_a_meter_without_power_hears_nothing_and_forgets_what_it_had_heard() -> None:
    wire = Wire()
    wire.clock.call_at(wire.clock.now() + 45_000, wire.model.cut_power)
    assert wire.connect(16) is None
    wire.model.restore_power()
    wire.wait(2 * MINUTE)
    assert wire.transport.read(wire.clock.now()) == b""
    assert isinstance(wire.connect(16), Connected)


class Ear:
    """Before the meter: notes the counter of every ciphered message of the client `keys`, and
    swallows its frames while told to.
    """

    def __init__(self, meter: DlmsMeter) -> None:
        self.counters: list[int] = []
        self.swallow = 0
        self._meter = meter
        self._reader = FrameReader()

    def receive(self, data: bytes, at: int) -> None:
        for frame in self._reader.receive(data):
            if frame.source.upper == 1 and frame.kind is FrameKind.I and self._noted(frame):
                continue
            self._meter.receive(frame.to_bytes(), at)

    def _noted(self, frame: Any) -> bool:
        apdu = frame.information[3:]
        if apdu[:1] == b"\x60":
            apdu = AssociationRequest.from_bytes(apdu).user_information or b""
        self.counters.append(CipheredApdu.from_bytes(apdu).invocation_counter)
        self.swallow -= 1
        return self.swallow == 0


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_command_tried_again_uses_no_counter_twice(lost: int) -> None:
    """Whichever message of the first attempt the meter has not got, and so knows nothing of."""
    wire = Wire()
    wire.transport.close()
    ear = Ear(DlmsMeter(wire.model, wire.profile, wire.keys, wire.port))
    wire.port.attach(ear)
    timing = replace(wire.profile.timing, reply_timeout=3 * SECOND)
    profile = replace(wire.profile, timing=timing)
    meter = Driver("electricity", profile, wire.port.connect(wire.port.line), wire.keys)
    ear.swallow = lost
    with pytest.raises(PeerError):
        meter.rotate_key(SUA, Secret(b"\x51" * 16, "new"), 1)
    meter.rotate_key(SUA, Secret(b"\x51" * 16, "new"), 1 if lost < 3 else 2)
    assert wire.model.executed == {"rotate_key": 1}
    assert sorted(set(ear.counters)) == ear.counters


@given(st.lists(st.binary(max_size=60), max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_octets_leave_it_able_to_answer(pieces: list[bytes]) -> None:
    wire = Wire()
    for piece in pieces:
        wire.transport.write(piece)
        wire.wait(SECOND)
    wire.wait(2 * wire.dlms.hdlc.inactivity)
    wire.transport.discard_input()
    assert isinstance(wire.connect(16), Connected)


@given(st.lists(st.binary(max_size=60), max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_apdu_leaves_it_able_to_answer(apdus: list[bytes]) -> None:
    wire = Wire()
    assert isinstance(wire.connect(16), Connected)
    for apdu in apdus:
        assert wire.link is not None
        assert wire.carry(wire.link.send(Data(apdu))) is not None
    assert wire.associated(16, None) is not None
