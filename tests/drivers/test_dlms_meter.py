"""The DLMS meter driver over `emu:`: what the conformance suite does not ask."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.devices import KeySlot, Role, SupplyState
from bench.errors import (
    AuthenticationFailed,
    Garbled,
    NoReply,
    PeerError,
    Refused,
    UsageError,
    WrongDevice,
)
from bench.secret import Secret
from bench.shipped import find
from bench.units import DAY, HOUR, MINUTE, SECOND
from drivers import dlms_meter
from drivers.capture.records import CaptureList, Passed, to_line
from drivers.capture.tee import CapturingTransport
from drivers.codecs.hdlc import FrameKind, FrameReader
from drivers.codecs.iec62056_21 import Reader
from drivers.codecs.iec62056_21_messages import (
    Data,
    Identification,
    Kind,
    OptionSelect,
    SignOn,
    data_sets,
)
from drivers.dlms_meter import DlmsMeter as Driver
from drivers.profiles.dlms import (
    DlmsProfile,
    PaymentObjects,
    RegisterObject,
    Security,
    SignOnProfile,
    command_counter,
    command_of,
    first_counter,
    secured,
)
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import OtherFirmware, Profile, read_profile
from drivers.transport.emulated import PortRegistry
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort
from drivers.transport.pipe import Transport
from emulators.wire.dlms_meter import DlmsMeter
from tests.wire.kit_on_wire import START, home

SUA = KeySlot.SUA
OLD, NEW, NEWER = (Secret(bytes([n] * 16), f"key {n}") for n in (0, 0x51, 0x52))
METER = read_profile("generic-dlms-electricity")
assert METER.dlms is not None
DLMS: DlmsProfile = METER.dlms


def varied(**changed: Any) -> Profile:
    """The shipped profile with another DLMS part."""
    return replace(METER, dlms=replace(DLMS, **changed))


class Bench:
    """An emulated meter on a port; `driver` as many times as wanted, one after the other."""

    def __init__(self, meter: Profile = METER, *, paced: bool = True, **keys: Secret) -> None:
        self.home = home()
        self.model = self.home.electricity
        self.clock = self.home.clock
        self.keys = demo_meter_keys(self.model.spec.eui64)
        self.profile = meter
        line = meter.line.settings
        self.port = MemoryPort("meter", self.clock, line, paced=paced)
        self.server = DlmsMeter(self.model, meter, replace(self.keys, **keys), self.port)
        self.port.attach(self.server)
        self.transport: Transport | None = None
        self.capture = CaptureList()

    def driver(self, profile: Profile | None = None, **options: Any) -> Driver:
        if self.transport is not None:
            self.transport.close()
        line = (profile or self.profile).line.settings
        self.transport = CapturingTransport(self.port.connect(line), self.capture)
        keys = options.pop("keys", self.keys)
        return Driver("electricity", profile or self.profile, self.transport, keys, **options)

    def wait(self, span: int) -> None:
        self.clock.sleep_until(self.clock.now() + span)

    def sent(self) -> list[Passed]:
        return [each for each in self.capture.records if isinstance(each, Passed)]


def caught(act: Callable[[], object]) -> PeerError:
    with pytest.raises(PeerError) as error:
        act()
    return error.value


def use_all(meter: Driver, bench: Bench) -> None:
    """Every operation, each with what is true."""
    model = bench.model
    assert meter.identify() == model.identity()
    assert abs(meter.read_clock() - model.read_clock()) < SECOND
    meter.set_clock(START + HOUR)
    assert abs(meter.read_clock() - START - HOUR) < SECOND
    assert meter.read_registers().values == model.read_registers().values
    assert meter.supply_state() is SupplyState.ON
    model.interrupt_supply()
    assert meter.supply_state() is SupplyState.OFF
    model.restore_supply()
    assert meter.read_payment() == model.read_payment()
    state = meter.key_state(SUA)
    assert state == model.key_state(SUA)
    held = model.keys.held(SUA)
    assert meter.prove_key(SUA, held) is True
    meter.rotate_key(SUA, NEW, state.counter + 1)
    assert meter.prove_key(SUA, held) is False
    assert meter.prove_key(SUA, NEW) is True
    assert meter.key_state(SUA).check_value == NEW.check_value


OPTICAL = varied(sign_on=SignOnProfile("5", "12345678"))
# The meter listens at 300 baud again after its inactivity, so the quiet after a failure is longer.
OPTICAL = replace(OPTICAL, timing=replace(OPTICAL.timing, quiet=70 * SECOND))

FORMS: dict[str, Profile] = {
    "none": replace(METER, dlms=secured(DLMS, Security.NONE)),
    "lls": replace(METER, dlms=secured(DLMS, Security.LLS)),
    "hls-gmac": METER,
    "one-by-one": varied(lists=False),
    "short-frames": varied(hdlc=replace(DLMS.hdlc, information=32)),
    "long-frames": varied(hdlc=replace(DLMS.hdlc, information=2030)),
    "four-octet-address": varied(hdlc=replace(DLMS.hdlc, physical=8000, address_octets=4)),
    "no-proof-counter": varied(
        key_slots={SUA: replace(DLMS.key_slots[SUA], proof_counter="")},
    ),
    "optical": OPTICAL,
    "optical-19200": varied(sign_on=SignOnProfile("6")),
    "repeating": varied(hdlc=replace(DLMS.hdlc, repeat_after=2 * SECOND)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_operation_on_every_form_of_meter(form: str) -> None:
    bench = Bench(FORMS[form])
    use_all(bench.driver(), bench)
    bench.wait(HOUR)
    bench.model.keys.rotate(SUA, NEWER, 9, bench.clock.now())
    use_all(bench.driver(), bench)


def test_octet_by_octet() -> None:
    bench = Bench()
    bench.port = MemoryPort("meter", bench.clock, METER.line.settings, grain=0)
    bench.port.attach(DlmsMeter(bench.model, METER, bench.keys, bench.port))
    use_all(bench.driver(), bench)


# -- who is asked, and who asks --------------------------------------------------------------------


def test_another_meter_than_the_station_names_is_found_out_before_anything_is_asked() -> None:
    bench = Bench()
    meter = bench.driver(eui64="70-B3-D5-1F-30-00-A0-99")
    for act in (meter.read_clock, lambda: meter.rotate_key(SUA, NEW, 1)):
        error = caught(act)
        assert type(error) is WrongDevice
        assert "70-B3-D5-1F-30-00-A0-01" in error.detail
    assert bench.model.executed == {}


def test_who_it_is_is_asked_again_after_silence() -> None:
    bench = Bench()
    meter = bench.driver(eui64=bench.model.spec.eui64)
    assert meter.read_clock()
    bench.model.cut_power()
    assert type(caught(meter.read_clock)) is NoReply
    other = replace(bench.model.spec, eui64="70-B3-D5-1F-30-00-A0-99")
    bench.model.spec = other
    bench.model.restore_power()
    bench.wait(5 * MINUTE)
    assert type(caught(meter.read_clock)) is WrongDevice


def test_firmware_the_profile_was_not_written_for() -> None:
    strict = replace(METER, firmware=("2.0", "2.1"))
    bench = Bench()
    error = caught(bench.driver(strict).read_clock)
    assert (type(error), error.code) == (Refused, "other-firmware")
    assert "2.0, 2.1, got 1.0" in error.detail
    marking = bench.driver(replace(strict, other_firmware=OtherFirmware.MARK))
    assert marking.read_clock()
    assert marking.other_firmware == "1.0"
    fitting = bench.driver(replace(METER, firmware=("1.0",)))
    assert fitting.read_clock()
    assert fitting.other_firmware == ""


WRONG = Secret(b"\xee" * 16, "wrong")
STRANGERS: list[tuple[str, dict[str, Secret]]] = [
    ("lls", {"password": Secret(b"0123456789abcdef", "wrong")}),
    ("hls-gmac", {"reader": WRONG}),
    ("hls-gmac", {"authentication": WRONG}),
]


@pytest.mark.parametrize(("form", "wrong"), STRANGERS)
def test_a_stranger_is_not_let_in(form: str, wrong: dict[str, Secret]) -> None:
    bench = Bench(FORMS[form])
    stranger = bench.driver(keys=replace(bench.keys, **wrong))
    assert type(caught(stranger.read_registers)) is AuthenticationFailed
    assert type(caught(lambda: stranger.set_clock(START))) is AuthenticationFailed
    assert bench.model.executed == {}
    assert bench.driver().read_registers()


def test_a_wrong_management_key_rotates_nothing() -> None:
    bench = Bench()
    stranger = bench.driver(keys=replace(bench.keys, management=WRONG))
    assert type(caught(lambda: stranger.rotate_key(SUA, NEW, 1))) is AuthenticationFailed
    assert bench.driver().prove_key(SUA, OLD) is True


def test_a_key_wrapped_under_another_master_key_is_not_installed() -> None:
    bench = Bench()
    stranger = bench.driver(keys=replace(bench.keys, master=WRONG))
    assert caught(lambda: stranger.rotate_key(SUA, NEW, 1)).code == "other-reason"
    assert bench.model.keys.held(SUA).matches(OLD)


@pytest.mark.parametrize(
    ("missing", "act"),
    [
        ("reader", lambda meter: meter.read_clock()),
        ("authentication", lambda meter: meter.prove_key(SUA, OLD)),
        ("management", lambda meter: meter.rotate_key(SUA, NEW, 1)),
        ("master", lambda meter: meter.rotate_key(SUA, NEW, 1)),
    ],
)
def test_what_the_bench_has_no_key_for_is_refused(
    missing: str, act: Callable[[Driver], object]
) -> None:
    bench = Bench()
    meter = bench.driver(keys=replace(bench.keys, **{missing: None}))
    assert caught(lambda: act(meter)).code == "no-key"
    assert bench.model.executed == {}
    assert bench.model.keys.security_log == ()


# -- what the profile says -------------------------------------------------------------------------


def test_what_the_profile_does_not_have_is_refused() -> None:
    bench = Bench()
    meter = bench.driver(varied(registers=(), supply="", payment=None, key_slots={}))
    asks: list[Callable[[], object]] = [
        meter.read_registers,
        meter.supply_state,
        meter.read_payment,
        lambda: meter.key_state(SUA),
        lambda: meter.prove_key(SUA, OLD),
        lambda: meter.rotate_key(SUA, NEW, 1),
    ]
    assert {caught(ask).code for ask in asks} == {"not-in-profile"}
    assert bench.sent() == [], "and nothing was sent"


def test_what_the_meter_does_not_have_is_refused_in_its_word() -> None:
    bench = Bench()
    meter = bench.driver(varied(clock="0.0.1.0.9.255"))
    assert caught(meter.read_clock).code == "object-undefined"


assert DLMS.payment is not None
NONSENSE: dict[str, tuple[dict[str, Any], Callable[[Driver], object]]] = {
    "a register in pounds": (
        {"registers": (RegisterObject("import", DLMS.payment.balance),)},
        lambda meter: meter.read_registers(),
    ),
    "a balance in kWh": (
        {"payment": replace(DLMS.payment, balance=DLMS.registers[0].object)},
        lambda meter: meter.read_payment(),
    ),
    "a mode that is none": (
        {"payment": PaymentObjects(DLMS.identity.model, DLMS.payment.balance)},
        lambda meter: meter.read_payment(),
    ),
    "an EUI-64 that is none": (
        {"identity": replace(DLMS.identity, eui64=DLMS.identity.model)},
        lambda meter: meter.identify(),
    ),
    "a serial number that is a number": (
        {"identity": replace(DLMS.identity, serial_number=DLMS.key_slots[SUA].version)},
        lambda meter: meter.identify(),
    ),
    "a check value that is a number": (
        {"key_slots": {SUA: replace(DLMS.key_slots[SUA], check_value=DLMS.key_slots[SUA].version)}},
        lambda meter: meter.key_state(SUA),
    ),
    "a version that is text": (
        {"key_slots": {SUA: replace(DLMS.key_slots[SUA], version=DLMS.identity.model)}},
        lambda meter: meter.key_state(SUA),
    ),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_an_answer_that_makes_no_sense_is_garbled(what: str) -> None:
    changed, ask = NONSENSE[what]
    meter = Bench().driver(varied(**changed))
    assert type(caught(lambda: ask(meter))) is Garbled
    assert meter.read_clock(), "the next request is not disturbed"


def test_a_driver_is_for_a_meter() -> None:
    bench = Bench()
    with pytest.raises(UsageError, match="not for a meter"):
        bench.driver(replace(METER, role=Role.COMMS_HUB))
    with pytest.raises(UsageError, match="no part 'dlms'"):
        bench.driver(replace(METER, dlms=None))


def test_at_a_python_prompt() -> None:
    bench = Bench()
    ports = PortRegistry()
    ports.register_memory(bench.port)
    meter = dlms_meter.connect("emu:meter", keys=bench.keys, clock=bench.clock, emulated=ports)
    assert meter.read_registers().unit == "kWh"
    meter.close()


# -- keys and counters -----------------------------------------------------------------------------


def test_a_command_counter_has_a_block_of_invocation_counters() -> None:
    assert (first_counter(7), command_counter(7)) == (0x700, 0x7FF)
    assert [command_of(counter) for counter in (0x6FF, 0x700, 0x7FF, 0x800)] == [6, 7, 7, 8]


@pytest.mark.parametrize("counter", [-1, 1 << 24])
def test_a_counter_that_does_not_fit_is_refused_before_anything_is_sent(counter: int) -> None:
    bench = Bench()
    meter = bench.driver()
    assert caught(lambda: meter.rotate_key(SUA, NEW, counter)).code == "bad-parameter"
    for short in (b"", bytes(15), bytes(17)):
        key = Secret(short, "short")
        assert caught(lambda key=key: meter.rotate_key(SUA, key, 1)).code == "bad-parameter"  # type: ignore[misc]
        assert caught(lambda key=key: meter.prove_key(SUA, key)).code == "bad-parameter"  # type: ignore[misc]
    assert bench.sent() == []


def test_the_highest_counter_rotates_and_then_none_does() -> None:
    bench = Bench()
    meter = bench.driver()
    meter.rotate_key(SUA, NEW, (1 << 24) - 2)
    error = caught(lambda: meter.rotate_key(SUA, NEWER, 5))
    assert (type(error), error.code) == (Refused, "counter-not-newer")
    meter.rotate_key(SUA, NEWER, (1 << 24) - 1)
    assert bench.driver().prove_key(SUA, NEWER) is True


def test_a_driver_that_begins_anew_goes_on_with_the_counters() -> None:
    bench = Bench()
    for number in range(1, 6):
        meter = bench.driver()
        assert meter.read_registers()
        assert meter.prove_key(SUA, bench.model.keys.held(SUA)) is True
        meter.rotate_key(SUA, Secret(bytes([number] * 16), "next"), number)
    assert bench.model.executed == {"rotate_key": 5}


def test_no_invocation_counter_is_used_twice_under_one_key() -> None:
    """Seen from the meter: each ciphered request of a client has a counter of its own."""
    bench = Bench()
    counters: dict[int, list[int]] = {}
    take = bench.server.receive

    def listen(data: bytes, at: int) -> None:
        for frame in FrameReader().receive(data):
            service = frame.information[3:]
            if frame.kind is FrameKind.I and service[:1] in (b"\xc8", b"\xc9", b"\xcb"):
                at_octet = 2 if service[1] < 0x80 else 3
                counter = int.from_bytes(service[at_octet + 1 : at_octet + 5], "big")
                counters.setdefault(frame.source.upper, []).append(counter)
        take(data, at)

    bench.port = MemoryPort("meter", bench.clock, METER.line.settings, paced=False)
    bench.server = DlmsMeter(bench.model, METER, bench.keys, bench.port)
    take = bench.server.receive
    bench.port.attach(type("Ear", (), {"receive": staticmethod(listen)})())
    for number in (1, 2, 3):
        meter = bench.driver()
        meter.read_registers()
        meter.rotate_key(SUA, NEW, number)
        bench.model.cut_power()
        assert type(caught(lambda m=meter: m.rotate_key(SUA, NEW, 9))) is NoReply  # type: ignore[misc]
        bench.model.restore_power()
        bench.wait(10 * MINUTE)
        meter.read_clock()
    assert {len(used) > 5 for used in counters.values()} == {True}
    for used in counters.values():
        assert sorted(set(used)) == used, "each once, and rising"


def test_a_recorded_rotation_played_again_is_refused() -> None:
    bench = Bench()
    meter = bench.driver()
    meter.rotate_key(SUA, NEW, 1)
    octets = [
        b"".join(piece for piece in each.segments if isinstance(piece, bytes))
        for each in bench.sent()
        if each.direction.value == "out"
    ]
    meter.rotate_key(SUA, NEWER, 2)
    assert bench.transport is not None
    bench.transport.close()
    line = bench.port.connect(METER.line.settings)
    for request in octets:
        line.write(request)
        while line.read(bench.clock.now() + SECOND):
            pass
    assert bench.model.keys.held(SUA).matches(NEWER)
    assert bench.model.executed == {"rotate_key": 2}


def test_proofs_leave_nothing_to_replay() -> None:
    """A recorded proof does not open a second association: the challenge is another."""
    bench = Bench()
    assert bench.driver().prove_key(SUA, OLD) is True
    octets = [
        b"".join(piece for piece in each.segments if isinstance(piece, bytes))
        for each in bench.sent()
        if each.direction.value == "out"
    ]
    before = bench.model.keys.security_log
    assert bench.transport is not None
    bench.transport.close()
    line = bench.port.connect(METER.line.settings)
    for request in octets:
        line.write(request)
        while line.read(bench.clock.now() + SECOND):
            pass
    (wrong,) = set(bench.model.keys.security_log) - set(before)
    assert "wrong key, 1 in a row" in wrong


@pytest.mark.parametrize("form", ["none", "lls", "hls-gmac", "short-frames"])
def test_no_key_and_no_password_is_in_a_capture(form: str) -> None:
    bench = Bench(FORMS[form])
    use_all(bench.driver(), bench)
    written = "\n".join(to_line(record) for record in bench.capture.records)
    keys = bench.keys
    for secret in (keys.password, keys.authentication, keys.reader, keys.master, OLD, NEW):
        assert secret is not None
        octets = secret.reveal()
        if len(set(octets)) > 1:
            assert octets.hex() not in written
            assert base64.b64encode(octets).decode() not in written
    if form == "lls":
        assert '"secret":"test password"' in written


# -- the line --------------------------------------------------------------------------------------


def test_a_connection_that_was_idle_is_opened_anew() -> None:
    bench = Bench()
    meter = bench.driver()
    first = meter.read_clock()
    for idle in (40 * SECOND, 46 * SECOND, 59 * SECOND, 61 * SECOND, HOUR):
        bench.wait(idle)
        assert meter.read_clock() > first


def test_a_meter_that_was_off_meanwhile_is_no_error() -> None:
    bench = Bench()
    meter = bench.driver(varied(hdlc=replace(DLMS.hdlc, inactivity=DAY)))
    assert meter.read_clock()
    bench.model.restart()
    bench.wait(2 * MINUTE)
    assert meter.read_clock(), "it says that it has no connection, and is asked again"
    bench.model.restart()
    bench.wait(2 * MINUTE)
    meter.set_clock(START)
    assert bench.model.executed == {"set_clock": 1}


@pytest.mark.parametrize("line", ["9600 8E1", "4800 8N1", "2400 7E1"])
def test_a_line_set_wrongly_is_silence_or_garbage_and_changes_nothing(line: str) -> None:
    settings = LineSettings.parse(line)
    bench = Bench()
    bench.port.line = settings
    meter = bench.driver()
    for act in (meter.read_clock, lambda: meter.rotate_key(SUA, NEW, 1)):
        assert type(caught(act)) in (NoReply, Garbled)
    assert bench.model.executed == {}
    bench.port.line = METER.line.settings
    assert meter.read_clock()


def test_a_device_that_is_not_there_costs_the_time_out() -> None:
    bench = Bench()
    bench.model.cut_power()
    meter = bench.driver()
    before = bench.clock.now()
    assert type(caught(lambda: meter.rotate_key(SUA, NEW, 1))) is NoReply, "nothing was sent"
    assert bench.clock.now() - before == METER.timing.reply_timeout


def test_a_lost_frame_is_sent_again_if_the_profile_says_so() -> None:
    patient = FORMS["repeating"]
    bench = Bench(replace(patient, timing=replace(patient.timing, reply_timeout=MINUTE)))
    take = bench.server.receive

    class Hole:
        """Loses one whole frame of three."""

        def __init__(self) -> None:
            self.count = 0
            self.reader = FrameReader()

        def receive(self, data: bytes, at: int) -> None:
            for frame in self.reader.receive(data):
                self.count += 1
                if self.count % 3:
                    take(frame.to_bytes(), at)

    bench.port.attach(Hole())
    meter = bench.driver()
    for number in range(1, 6):
        assert meter.read_clock()
        meter.rotate_key(SUA, Secret(bytes([number] * 16), "next"), number)
    assert bench.model.executed == {"rotate_key": 5}, "each once"


# -- the optical port ------------------------------------------------------------------------------


def test_a_meter_left_in_hdlc_is_found_again() -> None:
    bench = Bench(OPTICAL)
    assert bench.driver().read_clock()
    bench.wait(10 * SECOND)
    anew = bench.driver()  # who knows nothing of the open connection
    assert type(caught(anew.read_clock)) in (NoReply, Garbled)
    assert anew.read_clock(), "after the quiet the meter listens at 300 baud again"


def test_another_address_does_not_sign_on() -> None:
    bench = Bench(OPTICAL)
    other = replace(OPTICAL, dlms=replace(DLMS, sign_on=SignOnProfile("5", "999")))
    assert type(caught(bench.driver(other).read_clock)) is NoReply


def test_the_optical_port_is_read_out_in_mode_c() -> None:
    bench = Bench(OPTICAL)
    line = bench.port.connect(LineSettings.parse("300 7E1"))
    reader = Reader()

    def awaited(kind: type) -> Any:
        while data := line.read(bench.clock.now() + 10 * SECOND):
            for event in reader.receive(data):
                assert isinstance(event, kind), event
                return event
        raise AssertionError("silence")

    line.write(reader.send(SignOn()))
    identification = awaited(Identification)
    assert (identification.manufacturer, identification.baud) == ("SMB", 9600)
    line.write(reader.send(OptionSelect(Kind.OPTION_READOUT, "5")))
    line.set_line(LineSettings.parse("9600 7E1"))
    sets = {entry.address: entry.values for entry in data_sets(awaited(Data).block)}
    assert sets["0.0.0"] == (("SN1", ""),)
    ((value, unit),) = sets["1.8.0"]
    assert (value, unit) == (f"{bench.model.read_registers().values[0][1]:012.3f}", "kWh")
    bench.wait(SECOND)
    assert bench.port.line == LineSettings.parse("300 7E1")


# -- the profile's file ----------------------------------------------------------------------------

# what is changed in the shipped file, and the complaint with its place
MISTAKES: list[tuple[str, str, str]] = [
    (
        '"0.0.1.0.0.255"',
        '"0.0.1.0.0"',
        "mine.yaml:22:10: dlms.clock: OBIS code: expected six numbers",
    ),
    ("address: 16", "address: 32", "client address 32 is already that of"),
    ("address: 16", "address: 0", "client address: expected 1 to 127, got 0"),
    ("security: none", "security: lls", "expected none: it is who reads the counters"),
    ("information: 248", "information: 8", "expected 32 to 2030 octets"),
    ("rejected-transient:", "rejected-sometimes:", "rejected-sometimes"),
    ("credit: 0", "credit: 1", "a number of its own"),
    ("prepayment: 1", "free: 1", "a number of its own"),
    (", transfers-keys: true", "", "key-slots need a client 'keys'"),
    (', counter: "0.0.43.1.1.255"', "", "needs the object of its invocation counter"),
    ("role: electricity-meter", "role: ihd", "no DLMS driver knows the role ihd"),
    ("physical: 17", "physical: 99999", "HDLC address"),
    ("inactivity: 60s", "inactivity: 0s", "a duration above 0"),
    ("dlms:\n", "dlms:\n  client-title: bench\n", "expected 16 hex digits, got 'bench'"),
    ("dlms:\n", "dlms:\n  sign-on: {baud-code: B}\n", "expected 0 to 6, got 'B'"),
    ("dlms:\n", "dlms:\n  sign-on: {flag: S1}\n", "expected three letters, got 'S1'"),
    ("dlms:\n", "dlms:\n  sign-on: {address: 'a/b'}\n", "device address"),
]


@pytest.mark.parametrize(("right", "wrong", "complaint"), MISTAKES)
def test_a_mistake_in_a_profile_is_shown_with_its_place(
    right: str, wrong: str, complaint: str, tmp_path: Path
) -> None:
    text = find("devices", "generic-dlms-electricity").read_text(encoding="utf-8")
    assert right in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(UsageError) as error:
        read_profile(str(path))
    problems = [str(problem) for problem in error.value.problems]
    assert any(complaint in problem for problem in problems), problems
    assert all(problem.startswith(f"{path}:") for problem in problems)


def test_no_two_proofs_have_the_same_counter_whatever_came_of_them() -> None:
    """Two tags under one key and counter would let a listener forge (NIST SP 800-38D, 8)."""
    bench = Bench()
    counters: list[int] = []
    take = bench.server.receive

    def listen(data: bytes, at: int) -> None:
        # An action-request ends in what proves: security control, counter (4), tag (12).
        counters.extend(
            int.from_bytes(frame.information[-16:-12], "big")
            for frame in FrameReader().receive(data)
            if frame.information[3:4] == b"\xc3"
        )
        take(data, at)

    bench.port = MemoryPort("meter", bench.clock, METER.line.settings, paced=False)
    bench.server = DlmsMeter(bench.model, METER, bench.keys, bench.port)
    take = bench.server.receive
    bench.port.attach(type("Ear", (), {"receive": staticmethod(listen)})())
    meter = bench.driver()
    assert meter.prove_key(SUA, NEW) is False
    meter.rotate_key(SUA, NEW, 1)
    assert meter.prove_key(SUA, NEW) is True
    assert meter.prove_key(SUA, NEW) is True
    assert len(set(counters)) == len(counters) == 3
