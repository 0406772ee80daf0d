"""Hub and display on their consoles over `emu:`: what they answer, and whose error it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.devices import GasMeter, KeySlot, Role, WanState
from bench.errors import (
    Ambiguous,
    Garbled,
    NoReply,
    PeerError,
    PortGone,
    Refused,
    UsageError,
    WrongDevice,
)
from bench.secret import Secret
from bench.units import HOUR, MILLISECOND, MINUTE, SECOND, Micros
from drivers.at_modem import HubModem
from drivers.console_hub import ConsoleHub, connect
from drivers.console_ihd import ConsoleDisplay
from drivers.gas_via_hub import GasViaHub
from drivers.pipe_faults.console_speech import ConsoleSpeech
from drivers.pipe_faults.faulty import FaultyTransport
from drivers.pipe_faults.plan import FaultPlan, PipeFaultSpec, PipeMoment
from drivers.profiles.profile import OtherFirmware, Profile, TimingProfile
from drivers.transport.emulated import PortRegistry
from drivers.transport.memory import MemoryPort
from drivers.transport.pipe import Transport
from emulators.wire.at_modem import HubModemDevice
from tests.wire.kit_on_wire import HUB, IHD, START, Home, home, timed


def without(command: str) -> Profile:
    assert HUB.console is not None
    commands = {name: held for name, held in HUB.console.commands.items() if name != command}
    return replace(HUB, console=replace(HUB.console, commands=commands))


class Desk:
    """A hub's driver, its port, and the home behind it."""

    def __init__(
        self,
        profile: Profile = HUB,
        *,
        eui64: str = "",
        grain: Micros = 5 * MILLISECOND,
        plan: FaultPlan | None = None,
        seed: int = 0,
    ) -> None:
        self.home: Home = home()
        self.clock = self.home.clock
        self.port: MemoryPort = self.home.console_port("hub", profile, grain)
        self.transport: Transport = self.port.connect(profile.line.settings)
        if plan is not None:
            self.transport = FaultyTransport(self.transport, plan, self.clock, seed)
        self.hub = ConsoleHub("hub", profile, self.transport, eui64=eui64)

    def wait(self, span: int) -> None:
        self.clock.sleep_until(self.clock.now() + span)


def test_every_reading_is_what_the_model_says() -> None:
    desk = Desk()
    model = desk.home.hub
    assert desk.hub.identify() == model.identity()
    assert desk.hub.wan_state() == model.wan_state()
    assert desk.hub.han_devices() == model.han_devices()
    held = desk.hub.diagnostics()
    assert (held.power_ups, held.last_gasps) == (1, 0)
    eui64 = desk.home.gas.spec.eui64
    copy = desk.hub.mirrored_registers(eui64)
    assert copy == model.mirrored_registers(eui64)
    assert copy.unit == "m³"
    assert copy.read_at == desk.clock.now()


def test_it_works_alone_from_a_port_and_a_profile_name() -> None:
    place = home()
    ports = PortRegistry()
    ports.register_memory(place.console_port("hub", HUB))
    hub = connect("emu:hub", clock=place.clock, emulated=ports)
    assert hub.wan_state() == WanState(True, 0)
    hub.close()


def test_what_changes_something_is_done_once_and_refusals_carry_the_hubs_code() -> None:
    desk = Desk()
    eui64 = desk.home.gas.spec.eui64
    desk.hub.remove_device(eui64)
    with pytest.raises(Refused) as refusal:
        desk.hub.remove_device(eui64)
    assert refusal.value.code == "not-joined"
    desk.hub.permit_join(3600)
    desk.hub.wake()
    with pytest.raises(Refused, match="bad-parameter"):
        desk.hub.permit_join(-1)
    assert desk.home.hub.executed == {"remove_device": 1, "permit_join": 1, "wake": 1}


def test_what_cannot_be_written_on_a_line_is_refused_and_not_sent() -> None:
    desk = Desk()
    with pytest.raises(Refused, match="bad-parameter"):
        desk.hub.remove_device("two words")
    assert desk.hub.wan_state().connected


def test_a_profile_without_a_command_says_so() -> None:
    desk = Desk(without("wake"))
    with pytest.raises(Refused) as refusal:
        desk.hub.wake()
    assert refusal.value.code == "not-in-profile"


def test_lines_nobody_asked_for_are_queued_with_their_time() -> None:
    desk = Desk()
    eui64 = desk.home.gas.spec.eui64
    desk.hub.remove_device(eui64)
    desk.hub.permit_join(3600)
    assert desk.hub.wan_state().connected
    desk.wait(HOUR)
    assert desk.hub.wan_state().connected  # what came meanwhile is not in its way
    left = desk.hub.notice(desk.clock.now())
    joined = desk.hub.notice(desk.clock.now())
    assert left is not None
    assert joined is not None
    assert (left.name, joined.name) == ("left", "joined")
    assert left.fields == joined.fields == {"eui64": eui64}
    assert left.at < START + MINUTE < joined.at < START + 31 * MINUTE
    assert desk.hub.notice(desk.clock.now()) is None


def test_a_notice_can_be_waited_for() -> None:
    desk = Desk()
    desk.home.hub.reboot()
    began = desk.hub.notice(desk.clock.now() + MINUTE)
    assert began is not None
    assert (began.name, began.fields) == ("started", {"firmware": "1.0"})
    assert 40 * SECOND <= began.at - START < 41 * SECOND


def test_a_hub_that_is_down_was_sent_nothing() -> None:
    desk = Desk()
    desk.hub.reboot()
    began = desk.clock.now()
    with pytest.raises(NoReply, match="nothing was sent"):
        desk.hub.reboot()
    assert desk.clock.now() - began == HUB.timing.reply_timeout
    assert desk.home.hub.executed == {"reboot": 1}
    desk.wait(40 * SECOND)
    assert desk.hub.diagnostics().power_ups == 2


def test_without_a_sync_command_nobody_knows() -> None:
    desk = Desk(without("sync"))
    desk.home.hub.reboot()
    with pytest.raises(NoReply):
        desk.hub.wan_state()
    with pytest.raises(Ambiguous):
        desk.hub.wake()


# the fault, the error of a request that asks, of one that changes, whether the change was made
LOSSES: list[tuple[str, type[PeerError], type[PeerError], bool]] = [
    ("request-lost", NoReply, Ambiguous, False),
    ("no-reply", NoReply, Ambiguous, True),
    ("reply-late", NoReply, Ambiguous, True),
    ("truncated", Garbled, Ambiguous, True),
    ("noise-inserted", Garbled, Ambiguous, True),
    ("refused", Refused, Refused, False),
    ("busy", Refused, Refused, False),
]
LATE = {"reply-late": 11 * SECOND}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("fault", "asking", "changing", "done"), LOSSES)
def test_the_class_of_each_failure(
    fault: str, asking: type[PeerError], changing: type[PeerError], done: bool, seed: int
) -> None:
    assert HUB.console is not None
    speech = ConsoleSpeech(HUB.console.dialect)
    plan = FaultPlan(
        tuple(
            PipeFaultSpec(fault, PipeMoment(operation=command), lasts=LATE.get(fault))
            for command in ("wan-state", "wake")
        ),
        speech,
        silence=200 * MILLISECOND,  # longer than the reaction: the echo is part of the answer
    )
    desk = Desk(plan=plan, seed=seed)
    with pytest.raises(PeerError) as error:
        desk.hub.wan_state()
    assert type(error.value) is asking
    assert (error.value.peer, error.value.operation) == ("hub", "wan_state")
    assert desk.hub.wan_state() == WanState(True, 0), "a read is safe to repeat"
    with pytest.raises(PeerError) as error:
        desk.hub.wake()
    assert type(error.value) is changing
    assert desk.hub.wan_state() == WanState(True, int(done)), "settled by reading back"


def test_a_line_that_never_falls_silent_is_not_asked() -> None:
    desk = Desk(plan=FaultPlan((PipeFaultSpec("babble", PipeMoment(operation="*")),)))
    with pytest.raises(PeerError):
        desk.hub.wake()
    done = dict(desk.home.hub.executed)
    with pytest.raises(NoReply, match="not asked: the line does not fall silent"):
        desk.hub.wake()
    assert desk.home.hub.executed == done


def test_the_rest_of_somebodys_line_is_got_over() -> None:
    desk = Desk()
    desk.transport.write(b"han jo")  # a session that died while it typed
    assert desk.hub.wan_state() == WanState(True, 0)


AT_ONCE = timed(HUB, TimingProfile(SECOND, 0, 2 * SECOND))
OCTETS = 90  # of two requests with their echo, their answers and the first token


@pytest.mark.parametrize("request_", ["wan_state", "wake"])
def test_a_port_pulled_at_each_octet_of_a_request(request_: str) -> None:
    """Of command, echo and answer: the port's fault, no hang, and on it goes after."""
    for octet in range(OCTETS):
        desk = Desk(AT_ONCE, grain=0)
        desk.clock.call_at(START + octet * HUB.line.settings.span(1), desk.port.unplug)
        with pytest.raises(PortGone):
            [getattr(desk.hub, request_)() for _ in range(4)]
        assert desk.clock.now() - START < SECOND // 10
        with pytest.raises(PortGone, match="did not come back"):
            desk.hub.wan_state()
        desk.port.plug()
        assert desk.hub.wan_state() == desk.home.hub.wan_state()


def test_another_device_than_the_station_names() -> None:
    desk = Desk(eui64="70-B3-D5-1F-30-00-A0-99")
    for ask in (desk.hub.identify, desk.hub.reboot):
        with pytest.raises(WrongDevice, match="got 70-B3-D5-1F-30-00-A0-03"):
            ask()
    assert desk.home.hub.executed == {}


def test_after_the_port_was_gone_the_device_says_again_who_it_is() -> None:
    desk = Desk(eui64="70-B3-D5-1F-30-00-A0-03")
    assert desk.hub.wan_state().connected
    desk.port.unplug()
    with pytest.raises(PortGone):
        desk.hub.wan_state()
    desk.home.hub.spec = replace(desk.home.hub.spec, eui64="70-B3-D5-1F-30-00-A0-77")
    desk.port.plug()
    with pytest.raises(WrongDevice, match="got 70-B3-D5-1F-30-00-A0-77"):
        desk.hub.reboot()
    assert desk.home.hub.executed == {}


def test_other_firmware_is_refused_or_marked() -> None:
    other = replace(HUB, firmware=("2.0", "2.1"))
    desk = Desk(other)
    with pytest.raises(Refused, match=r"is for 2\.0, 2\.1, got 1\.0") as refusal:
        desk.hub.reboot()
    assert refusal.value.code == "other-firmware"
    assert desk.home.hub.executed == {}
    desk = Desk(replace(other, other_firmware=OtherFirmware.MARK))
    desk.hub.reboot()
    assert desk.hub.other_firmware == "1.0"
    assert Desk().hub.other_firmware == ""


def test_a_profile_for_another_role_is_the_users_mistake() -> None:
    with pytest.raises(UsageError, match="is for a ihd, not for a comms-hub"):
        Desk(replace(HUB, role=Role.IHD))


class DisplayDesk:
    def __init__(self) -> None:
        self.home = home()
        self.port = self.home.console_port("display", IHD)
        self.display = ConsoleDisplay("display", IHD, self.port.connect(IHD.line.settings))


def test_the_display_says_what_the_model_shows() -> None:
    desk = DisplayDesk()
    model = desk.home.display
    assert desk.display.identify() == model.identity()
    state = desk.display.display_state()
    assert state == model.display_state()
    assert state.shown[1].endswith(" m³")
    desk.home.hub.remove_device(model.spec.eui64)
    state = desk.display.display_state()
    assert (state.joined_to, state.shown) == (None, ("not joined",))


def test_a_gas_meter_via_the_hub_gives_its_registers_with_their_age() -> None:
    desk = Desk()
    gas = GasViaHub("gas", desk.hub, desk.home.gas.spec.eui64)
    desk.wait(20 * MINUTE)
    reading = gas.read_registers()
    assert reading == desk.home.hub.mirrored_registers(desk.home.gas.spec.eui64)
    assert 0 < reading.staleness == desk.clock.now() - reading.source_at
    desk.hub.remove_device(desk.home.gas.spec.eui64)
    with pytest.raises(Refused, match="no-mirrored-data"):
        gas.read_registers()


VIA_HUB: list[tuple[str, tuple[object, ...]]] = [
    ("identify", ()),
    ("read_clock", ()),
    ("set_clock", (START,)),
    ("supply_state", ()),
    ("read_payment", ()),
    ("key_state", (KeySlot.SUA,)),
    ("prove_key", (KeySlot.SUA, Secret(bytes(16), "old"))),
    ("rotate_key", (KeySlot.SUA, Secret(bytes(16), "new"), 1)),
]


@pytest.mark.parametrize(("operation", "given"), VIA_HUB)
def test_what_the_mirror_does_not_hold_is_refused(
    operation: str, given: tuple[object, ...]
) -> None:
    desk = Desk()
    gas: GasMeter = GasViaHub("gas", desk.hub, desk.home.gas.spec.eui64)
    with pytest.raises(Refused) as refusal:
        getattr(gas, operation)(*given)
    assert (refusal.value.code, refusal.value.peer) == ("not-via-hub", "gas")
    assert refusal.value.operation == operation


def test_another_device_under_the_gas_meters_name() -> None:
    desk = Desk()
    gas = GasViaHub("gas", desk.hub, desk.home.electricity.spec.eui64)
    with pytest.raises(WrongDevice, match="expected a gas meter"):
        gas.read_registers()


class ModemDesk(Desk):
    def __init__(self) -> None:
        super().__init__()
        line = MemoryPort("modem", self.clock)
        line.attach(HubModemDevice(self.home.hub, 20 * MILLISECOND, self.clock, line.send))
        self.modem_port = line
        transport = line.connect(line.line)
        self.modem = HubModem("hub", transport, reply_timeout=SECOND, settle=2 * SECOND)
        self.hub = ConsoleHub("hub", HUB, self.transport, modem=self.modem)


def test_the_modem_says_whether_the_wan_is_there() -> None:
    desk = ModemDesk()
    assert desk.hub.wan_state() == WanState(True, 0)
    assert desk.modem.signal_quality() == 17
    wan = desk.home.hub.wan
    wan.dormant = True
    assert not desk.hub.wan_state().connected
    desk.hub.wake()
    assert desk.hub.wan_state() == WanState(True, 1)
    indication = desk.modem.unsolicited(desk.clock.now())
    assert indication is not None
    assert indication.message == b'+CMTI: "SM",1'
    wan.outages = 1
    assert not desk.modem.connected()
    assert desk.modem.signal_quality() is None


def test_a_silent_modem_is_no_reply_and_a_pulled_one_the_ports_fault() -> None:
    desk = ModemDesk()
    desk.home.hub.cut_power()
    with pytest.raises(NoReply, match="the modem"):
        desk.modem.connected()
    desk.home.hub.restore_power()
    desk.wait(MINUTE)
    assert desk.modem.connected()
    desk.modem_port.unplug()
    with pytest.raises(PortGone):
        desk.modem.connected()
    desk.modem_port.plug()
    assert desk.modem.connected()


def test_what_was_said_before_the_question_is_no_answer() -> None:
    desk = Desk()
    assert desk.hub.wan_state().wake_ups == 0
    desk.port.send(b"wan\r\nWAN UP SMS 9\r\nhub> ")
    desk.wait(SECOND)
    assert desk.hub.wan_state().wake_ups == 0


def test_after_a_refusal_the_line_need_not_fall_silent() -> None:
    desk = Desk()
    with pytest.raises(Refused):
        desk.hub.remove_device("00")
    assert desk.hub.wan_state().connected
    assert desk.clock.now() - START < SECOND


class Scripted:
    """A console that gives the same lines to whatever it is asked."""

    def __init__(self, port: MemoryPort, said: bytes) -> None:
        self._port = port
        self._said = said
        port.attach(self)

    def receive(self, data: bytes, at: Micros) -> None:
        self._port.send(data)
        if data.endswith(b"\n"):
            self._port.send(self._said + b"hub> ")


GAS = b"70-B3-D5-1F-30-00-A0-02"
AT = b"2021-04-08T09:00:00Z"
# request, what the hub says, what is wrong with it
STRANGE = [
    ("wan_state", b"WAN MAYBE SMS 0\r\n", "wan: expected one of UP, DOWN"),
    ("wan_state", b"WAN UP SMS 0\r\nWAN UP SMS 1\r\n", "line not in the profile"),
    ("han_devices", b"DEV " + GAS + b" ESME GONE HEARD noon\r\n", "expected a UTC time"),
    ("han_devices", b"DEV " + GAS + b" METER GONE HEARD -\r\n", "role: expected one of ESME"),
    ("han_devices", b"DEV 70-B3 ESME GONE HEARD -\r\n", "expected an EUI-64"),
    ("mirror", b"MIRROR 70B3D51F3000A001 AT " + AT + b"\r\nREG v 1.0 m3\r\n", "registers of"),
    ("mirror", b"MIRROR " + GAS + b" AT -\r\nREG v 1.0 m3\r\n", "no time is given"),
    ("mirror", b"MIRROR " + GAS + b" AT " + AT + b"\r\n", "registers of one unit, got 0"),
    (
        "mirror",
        b"MIRROR " + GAS + b" AT " + AT + b"\r\nREG v 1.0 m3\r\nREG w 1.0 kWh\r\n",
        "registers of one unit, got 2",
    ),
]


@pytest.mark.parametrize(("request_", "said", "says"), STRANGE)
def test_an_answer_that_makes_no_sense_is_garbled(request_: str, said: bytes, says: str) -> None:
    desk = Desk(without("sync"), grain=0)
    Scripted(desk.port, said)
    requests: dict[str, Callable[[], object]] = {
        "wan_state": desk.hub.wan_state,
        "han_devices": desk.hub.han_devices,
        "mirror": lambda: desk.hub.mirrored_registers(GAS.decode("ascii")),
    }
    with pytest.raises(Garbled, match=says):
        requests[request_]()


class ScriptedModem:
    def __init__(self, port: MemoryPort, answers: dict[str, bytes]) -> None:
        self._port = port
        self._answers = answers
        port.attach(self)

    def receive(self, data: bytes, at: Micros) -> None:
        said = self._answers.get(data.strip().decode("ascii"), b"")
        self._port.send(b"\r\n" + said + b"\r\n" if said else b"")


# what the modem answers; whether the WAN is there, or whose error it is
MODEMS: list[tuple[bytes, bytes, bool | type[PeerError]]] = [
    (b"+CREG: 0,1\r\n\r\nOK", b"+CGATT: 1\r\n\r\nOK", True),
    (b"+CREG: 0,5\r\n\r\nOK", b"+CGATT: 1\r\n\r\nOK", True),
    (b"+CREG: 0,1\r\n\r\nOK", b"+CGATT: 0\r\n\r\nOK", False),
    (b"+CREG: 0,3\r\n\r\nOK", b"+CGATT: 1\r\n\r\nOK", False),
    (b"+CME ERROR: 10", b"", Refused),
    (b"ERROR", b"", Refused),
    (b"OK", b"", Garbled),
    (b"+CREG: 0,1", b"", Garbled),
    (b"", b"", NoReply),
]


@pytest.mark.parametrize(("creg", "cgatt", "expected"), MODEMS)
def test_what_a_modem_may_say(creg: bytes, cgatt: bytes, expected: bool | type[PeerError]) -> None:
    port = MemoryPort("modem", home().clock, paced=False)
    ScriptedModem(port, {"AT+CREG?": creg, "AT+CGATT?": cgatt})
    modem = HubModem("hub", port.connect(port.line), reply_timeout=SECOND, settle=2 * SECOND)
    if isinstance(expected, bool):
        assert modem.connected() is expected
    else:
        with pytest.raises(expected):
            modem.connected()
