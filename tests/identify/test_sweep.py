"""Identification over `emu:`: what is found, what is sent, and that it always ends.

SMETS1_BENCH_IDENTIFY_CASES sets how many drawn cases run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.clock import Clock
from bench.units import MILLISECOND, MINUTE, SECOND, Micros
from drivers.capture.decoding import decode
from drivers.capture.messages import Message
from drivers.codecs.hdlc import DM, FRMR, P_F, FrameKind, FrameReader, HdlcAddress, HdlcFrame
from drivers.codecs.iec62056_21 import Meter
from drivers.codecs.iec62056_21_messages import Data, Identification, OptionSelect, SignOn
from drivers.codecs.modbus_frames import with_checksum
from drivers.identification.drafting import draft
from drivers.identification.findings import (
    ConsoleFound,
    Findings,
    MeterFound,
    ModbusFound,
    Outcome,
)
from drivers.identification.sweep import ALLOWANCE, STEPS, Plan, Speech
from drivers.identification.wording import as_json, report
from drivers.profiles.profile import LineProfile, Profile, read_profile
from drivers.transport.line import LineSettings, Parity
from drivers.transport.memory import MemoryPort, WirePeer
from emulators.wire.lone_device import lone_device
from tests.identify.ports import DLMS, METER, OPEN, OPTICAL, Port, drafted, hdlc, plan_for, varied

# -- what is found ---------------------------------------------------------------------------------

METERS: dict[str, Profile] = {
    "as-shipped": METER,
    "no-security": OPEN,
    "optical": OPTICAL,
    "one-octet-address": varied(hdlc=hdlc(address_octets=1)),
    "two-octets-16": varied(hdlc=hdlc(physical=16)),
    "four-octets": varied(hdlc=hdlc(physical=17, address_octets=4)),
    "long-frames": varied(hdlc=hdlc(information=2030)),
    "2400": replace(METER, line=LineProfile(baud=2400)),
    "115200": replace(METER, line=LineProfile(baud=115_200)),
}


@pytest.mark.parametrize("form", METERS)
def test_a_meter_is_found_and_its_draft_is_a_profile_that_reaches_it(
    form: str, tmp_path: Path
) -> None:
    meter = METERS[form]
    assert meter.dlms is not None
    findings = Port(meter).identify()
    found = findings.found
    assert isinstance(found, MeterFound)
    assert found.server == meter.dlms.hdlc.server
    assert found.information == meter.dlms.hdlc.information
    assert found.public is not None
    assert found.public.value("0.0.42.0.0.255") == "SMBSN1"
    assert found.public.value(DLMS.clock, 2).startswith("2021-04-08T09:30")  # type: ignore[union-attr]
    assert findings.associations == 1
    profile = drafted(findings, tmp_path)
    assert profile.dlms is not None
    assert profile.dlms.hdlc.server == meter.dlms.hdlc.server
    assert profile.dlms.sign_on == meter.dlms.sign_on
    assert profile.line == meter.line
    assert profile.dlms.identity.eui64 == DLMS.identity.eui64


def test_the_object_list_and_the_counters_that_anybody_may_read() -> None:
    found = Port().identify().found
    assert isinstance(found, MeterFound)
    assert found.public is not None
    assert found.public.objects is not None
    listed = {(each.class_id, each.name) for each in found.public.objects}
    assert {(15, "0.0.40.0.0.255"), (8, DLMS.clock), (1, "0.0.43.1.1.255")} <= listed
    counters = [each for each in found.public.read if each.name.startswith("0.0.43.1.")]
    assert [each.number for each in counters] == [0, 0, 0]


SHIPPED = {
    "generic-console-hub": "hub> ",
    "generic-console-ihd": "",
}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_console_is_found_by_its_dialect(name: str, tmp_path: Path) -> None:
    profile = read_profile(name)
    findings = Port(profile).identify()
    found = findings.found
    assert isinstance(found, ConsoleFound)
    assert (found.dialect, found.prompt) == (name, SHIPPED[name])
    assert found.line == profile.line.settings
    assert found.identity["firmware"] == "1.0"
    made = drafted(findings, tmp_path)
    assert made.console == profile.console
    assert (made.role, made.line, made.firmware) == (profile.role, profile.line, ("1.0",))


class TalkingConsole:
    """A console of no known dialect. Says its prompt to a line end, and keeps what it is told."""

    def __init__(self, port: MemoryPort, prompt: str) -> None:
        self._port = port
        self._prompt = prompt
        self.told = b""

    def receive(self, data: bytes, at: Micros) -> None:
        self.told += data
        if data.endswith(b"\n"):
            self._port.send(f"\r\n{self._prompt}".encode())


def test_a_console_of_another_dialect_is_told_nothing_but_a_line_end() -> None:
    devices: list[TalkingConsole] = []

    def peer(memory: MemoryPort) -> WirePeer:
        devices.append(TalkingConsole(memory, "acme> "))
        return devices[0]

    port = Port(peer=peer)
    findings = port.identify(plan_for("9600 8N1"))
    assert isinstance(findings.found, ConsoleFound)
    assert (findings.found.dialect, findings.found.prompt) == ("", "acme> ")
    assert devices[0].told == b"\r\n"
    assert draft(findings.found, "p") is None


def test_bench_kit_is_found_with_its_tables(tmp_path: Path) -> None:
    board = Port(read_profile("generic-modbus-relay-board")).identify()
    assert isinstance(board.found, ModbusFound)
    (unit,) = board.found.units
    assert unit.unit == 1
    assert unit.tables == {
        "coils": 8,
        "discrete-inputs": 8,
        "input-registers": 0,
        "holding-registers": 0,
    }
    made = drafted(board, tmp_path).modbus
    assert made is not None
    assert made.relay_board is not None
    assert (made.unit, made.relay_board.channels) == (1, 8)
    meter = Port(read_profile("generic-modbus-reference-meter")).identify()
    assert isinstance(meter.found, ModbusFound)
    assert [unit.unit for unit in meter.found.units] == [2]
    assert drafted(meter, tmp_path).role == "reference-meter"


def test_a_unit_that_identifies_itself() -> None:
    objects = b"".join(
        bytes((number, len(text))) + text for number, text in enumerate((b"Acme", b"RB8", b"2.1"))
    )
    answer = with_checksum(bytes((3, 0x2B, 0x0E, 1, 1, 0, 0, 3)) + objects)
    port = Port(peer=lambda memory: Answering(memory, b"\x03\x2b\x0e", answer))
    found = port.identify(plan_for("9600 8N1")).found
    assert isinstance(found, ModbusFound)
    assert [(unit.unit, dict(unit.identity)) for unit in found.units] == [
        (3, {"vendor": "Acme", "product": "RB8", "revision": "2.1"})
    ]


class Answering:
    """Says `answer` to whatever begins with `question`, and nothing to anything else."""

    def __init__(self, port: MemoryPort, question: bytes, answer: bytes) -> None:
        self._port, self._question, self._answer = port, question, answer

    def receive(self, data: bytes, at: Micros) -> None:
        if data.startswith(self._question):
            self._port.send(self._answer)


class ReadoutMeter:
    """An optical port without HDLC: mode C (baud code 5) or mode A (no code)."""

    def __init__(self, port: MemoryPort, code: str) -> None:
        self._port, self._code, self._codec = port, code, Meter()
        port.line = LineSettings(300, 7, Parity.EVEN)

    def receive(self, data: bytes, at: Micros) -> None:
        block = Data(b"0.0.0(4711)\r\n1.8.0(000012.5*kWh)\r\n!\r\n")
        for event in self._codec.receive(data):
            if isinstance(event, SignOn):
                self._port.send(self._codec.send(Identification("XYZ", self._code, "M1")))
                if self._code == "@":
                    self._port.send(self._codec.send(block))
            elif isinstance(event, OptionSelect):
                self._port.line = LineSettings(self._codec.baud, 7, Parity.EVEN)
                said = partial(self._port.send, self._codec.send(block))
                self._port.clock.call_at(at + 50 * MILLISECOND, said)


@pytest.mark.parametrize("code", ["5", "0", "@"])
def test_a_port_that_only_reads_out_is_read_out(code: str) -> None:
    findings = Port(peer=lambda memory: ReadoutMeter(memory, code)).identify()
    found = findings.found
    assert isinstance(found, MeterFound)
    assert found.signed_on is not None
    assert found.server is None
    assert [entry.address for entry in found.signed_on.readout] == ["0.0.0", "1.8.0"]
    assert found.signed_on.readout[1].values == (("000012.5", "kWh"),)
    assert draft(found, "p") is None


def test_a_sleepy_gas_meter_is_found_by_whoever_waits_for_it() -> None:
    gas = read_profile("generic-dlms-gas")
    assert Port(gas).identify(plan_for("9600 8N1")).found is None
    steps = Plan.only(Plan.for_lines([gas.line.settings]), [Speech.DLMS])
    assert gas.dlms is not None
    patient = Plan(steps, [gas.dlms.hdlc.server], wait=31 * MINUTE)
    assert isinstance(Port(gas).identify(patient).found, MeterFound)


def test_a_device_that_speaks_hdlc_and_grants_no_connection() -> None:
    client, server = HdlcAddress(16), HdlcAddress(1, 17)
    refused = HdlcFrame(client, server, DM | P_F).to_bytes()
    found = Port(peer=lambda memory: Answering(memory, b"\x7e", refused)).identify().found
    assert isinstance(found, MeterFound)
    assert (found.server, found.accepts, found.public) == (server, False, None)
    odd = HdlcFrame(client, server, FRMR | P_F, b"\x93\x00\x01").to_bytes()
    findings = Port(peer=lambda memory: Answering(memory, b"\x7e", odd)).identify(
        plan_for("9600 8N1")
    )
    assert findings.found is None
    assert "an HDLC frame (FRMR) of 1/17, and no UA" in "\n".join(report(findings))


# -- the line --------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["4800 8N1", "19200 8N1", "9600 8E1", "9600 7E1", "300 8N1"])
def test_with_a_wrong_line_nothing_is_found(wrong: str) -> None:
    findings = Port().identify(plan_for(wrong))
    assert findings.found is None
    assert findings.sent > 0


def test_a_line_that_is_never_silent_is_not_talked_into() -> None:
    port = Port(peer=lambda memory: Babbler(memory, b"\x55\xaa", 20 * MILLISECOND), paced=False)
    findings = port.identify()
    assert findings.found is None
    assert findings.something_talks
    assert {trial.outcome for trial in findings.trials} == {Outcome.NOT_ASKED}
    assert findings.sent == 0


class Babbler:
    """Says something every so often, whatever it is told."""

    def __init__(self, port: MemoryPort, says: bytes, every: Micros) -> None:
        self._port, self._says, self._every = port, says, every
        port.clock.call_at(port.clock.now() + every, self._speak)

    def receive(self, data: bytes, at: Micros) -> None:
        pass

    def _speak(self) -> None:
        self._port.line = self._port.client_line or self._port.line
        self._port.send(self._says)
        self._port.clock.call_at(self._port.clock.now() + self._every, self._speak)


# -- what is sent ----------------------------------------------------------------------------------

ALL_PROFILES = [
    METER,
    OPEN,
    OPTICAL,
    read_profile("generic-console-hub"),
    read_profile("generic-console-ihd"),
    read_profile("generic-modbus-relay-board"),
    read_profile("generic-modbus-reference-meter"),
]


@pytest.mark.parametrize("profile", ALL_PROFILES, ids=lambda profile: profile.profile)
def test_nothing_is_sent_but_what_reads(profile: Profile) -> None:
    port = Port(profile)
    port.identify()
    messages = [
        item
        for item in decode(port.capture.records)
        if isinstance(item, Message) and item.direction == "out"
    ]
    assert messages
    for message in messages:
        said = f"{message.decoded.kind} {message.decoded.meaning}"
        assert not any(word in said for word in ("SET", "ACTION", "LLS", "HLS", "command P"))
    frames = [frame for sent in port.sent for frame in FrameReader().receive(sent)]
    assert {frame.source for frame in frames} <= {HdlcAddress(16)}, "no client but the public one"
    asked = [frame.information[3:] for frame in frames if frame.kind is FrameKind.I]
    assert {apdu[:1] for apdu in asked} <= {b"\x60", b"\xc0"}, "AARQ and GET alone"
    assert not any(b"\x8a\x02\x07\x80" in apdu for apdu in asked), "no authentication is asked for"


@pytest.mark.parametrize("profile", [METER, OPTICAL, read_profile("generic-modbus-relay-board")])
def test_never_more_is_sent_than_is_allowed(profile: Profile) -> None:
    whole = Port(profile).identify().sent
    for allowance in range(whole):
        port = Port(profile)
        findings = port.identify(allowance=allowance)
        assert findings.sent == allowance
        goodbyes = sum(_is_goodbye(sent) for sent in port.sent)
        assert len(port.sent) <= allowance + goodbyes
        assert goodbyes <= 1
    assert Port(profile).identify(allowance=whole).found is not None


def test_a_silent_line_costs_a_known_number_of_frames() -> None:
    findings = Port(peer=lambda memory: Answering(memory, b"never", b"")).identify()
    assert findings.found is None
    assert not findings.something_talks
    assert findings.sent == 118
    assert {trial.outcome for trial in findings.trials} == {Outcome.SILENT}


def _is_goodbye(sent: bytes) -> bool:
    return any(frame.kind is FrameKind.DISC for frame in FrameReader().receive(sent))


# -- Ctrl-C ----------------------------------------------------------------------------------------


class Interrupted:
    """A clock that is interrupted at its n-th wait, as Ctrl-C does it to a program that waits."""

    def __init__(self, clock: Clock, at: int) -> None:
        self._wait, self._left = clock.wait, at

    def __call__(self, ready: Callable[[], bool], until: Micros, cancellation: object) -> bool:
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt
        return self._wait(ready, until, None)


@pytest.mark.parametrize("meter", [METER, OPTICAL], ids=["direct", "optical"])
def test_ctrl_c_at_any_moment_leaves_no_connection_behind(
    meter: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted = 0
    for at in range(1, 1_000, 5):
        port = Port(meter)
        monkeypatch.setattr(port.clock, "wait", Interrupted(port.clock, at))
        try:
            port.identify()
        except KeyboardInterrupt:
            interrupted += 1
        else:
            break
        kinds = [frame.kind for sent in port.sent for frame in FrameReader().receive(sent)]
        if FrameKind.SNRM in kinds and FrameKind.I in kinds:
            assert kinds[-1] is FrameKind.DISC
        if kinds and kinds[-1] is FrameKind.SNRM:
            pytest.fail("a connection was asked for and left open")
    assert interrupted > 10


# -- whatever is on the line -----------------------------------------------------------------------


class Reacting:
    """Answers each thing it is told with the next of some octets, early or late."""

    def __init__(self, port: MemoryPort, answers: list[tuple[int, bytes]]) -> None:
        self._port, self._answers = port, list(answers)

    def receive(self, data: bytes, at: Micros) -> None:
        self._port.line = self._port.client_line or self._port.line
        if self._answers:
            after, answer = self._answers.pop(0)
            self._port.clock.call_at(at + after, lambda: self._port.send(answer))


CASES = int(os.environ.get("SMETS1_BENCH_IDENTIFY_CASES", "40"))
THREE_LINES = Plan(STEPS[:3])
ODD = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"/ABC5\\2M1\r\n",
            b"/ABC5M1\r\n",
            b"/ABCZ\x7fM\r\n",
            b"\x06252\r\n",
            b"\x020.0.0(1)\r\n!\r\n\x03",
            b"hub> ",
            b"\r\nOK\r\n",
            b"SERIAL a\r\nEUI64 b\r\nMAKER \x1b[2J\r\nMODEL : #\r\nFW \"'\r\nhub> ",
            with_checksum(b"\x01\xab\x01"),
            with_checksum(b"\x01\x2b\x0e\x01\x01\x00\x00\x01\x00\x03a\nb"),
            bytes.fromhex("7ea00a0002002321739f5d7e"),
        ]
    ),
)


@given(answers=st.lists(st.tuples(st.integers(0, 3 * SECOND), ODD), max_size=30))
@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_answered_it_ends_and_sends_no_more_than_allowed(
    answers: list[tuple[int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    port = Port(peer=lambda memory: Reacting(memory, answers), paced=False)
    began = port.clock.now()
    findings = port.identify(THREE_LINES, allowance=200)
    assert len([sent for sent in port.sent if not _is_goodbye(sent)]) <= 200
    assert port.clock.now() - began < 20 * MINUTE
    _can_be_shown(findings, tmp_path_factory)


class Flipping:
    """The emulated meter, but its answers are changed on the way."""

    def __init__(self, memory: MemoryPort, changes: list[tuple[int, int, bytes]]) -> None:
        self._memory, self._changes, self._count = memory, changes, 0
        self.meter = lone_device(METER, self)

    @property
    def clock(self) -> Clock:
        return self._memory.clock

    @property
    def line(self) -> LineSettings:
        return self._memory.line

    @line.setter
    def line(self, settings: LineSettings) -> None:
        self._memory.line = settings

    @property
    def sent_by(self) -> Micros:
        return self._memory.sent_by

    def send(self, data: bytes, since: Micros | None = None) -> None:
        self._count += 1
        for which, place, octets in self._changes:
            if which == self._count and place < len(data):
                data = data[:place] + octets + data[place + len(octets) :]
        self._memory.send(data, since)

    def attach(self, peer: WirePeer) -> None:
        self._memory.attach(peer)

    def receive(self, data: bytes, at: Micros) -> None:
        self.meter.receive(data, at)


@given(
    changes=st.lists(
        st.tuples(st.integers(1, 14), st.integers(0, 250), st.binary(min_size=1, max_size=4)),
        max_size=4,
    )
)
@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_meter_on_a_bad_line_is_found_or_not_but_never_harmed(
    changes: list[tuple[int, int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    port = Port(peer=lambda memory: Flipping(memory, changes))
    findings = port.identify(plan_for("9600 8N1"))
    _can_be_shown(findings, tmp_path_factory)
    assert findings.associations <= 1


def _can_be_shown(findings: Findings, folders: pytest.TempPathFactory) -> None:
    for line in report(findings):
        assert line.isprintable()
    json.dumps(as_json(findings, None))
    if findings.found is not None and draft(findings.found, "p") is not None:
        drafted(findings, folders.mktemp("draft"))


def test_the_default_allowance_is_enough_for_the_whole_sweep() -> None:
    silent = Port(peer=lambda memory: Answering(memory, b"never", b"")).identify()
    assert silent.sent < ALLOWANCE // 4
