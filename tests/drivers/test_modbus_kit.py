"""Relay board and reference meter on Modbus RTU over `emu:`."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bench.clock import VirtualClock
from bench.errors import Busy, KitFault, PeerError, PortGone, RelayStuck, UsageError
from bench.units import HOUR, MILLISECOND, MINUTE, SECOND, Micros
from drivers import modbus_reference_meter, modbus_relay_board
from drivers.codecs.modbus_messages import Asked, ReadRegisters, WriteBit
from drivers.codecs.modbus_rtu import ModbusServer
from drivers.modbus_reference_meter import ModbusReferenceMeter
from drivers.modbus_relay_board import ModbusRelayBoard
from drivers.pipe_faults.faulty import FaultyTransport
from drivers.pipe_faults.modbus_speech import ModbusSpeech
from drivers.pipe_faults.plan import FaultPlan, PipeFaultSpec, PipeMoment
from drivers.profiles.modbus import NumberForm, Quantity, ReadBack, Table, WordOrder
from drivers.profiles.modbus_values import decoded, encoded
from drivers.profiles.profile import Profile, TimingProfile
from drivers.transport.bus import SharedBus
from drivers.transport.emulated import PortRegistry
from drivers.transport.pipe import Transport
from tests.wire.kit_on_wire import BOARD, METER, START, home, timed


class Rack:
    """Board and meter on one RS-485 line."""

    def __init__(
        self,
        board: Profile = BOARD,
        meter: Profile = METER,
        grain: Micros = 5 * MILLISECOND,
        plan: FaultPlan | None = None,
        seed: int = 0,
    ) -> None:
        self.home = home()
        self.clock = self.home.clock
        self.port = self.home.bench_port(board, meter, grain)
        self.transport: Transport = self.port.connect(board.line.settings)
        if plan is not None:
            self.transport = FaultyTransport(self.transport, plan, self.clock, seed)
        self.bus = SharedBus(self.transport, settle=board.timing.quiet)
        self.board = ModbusRelayBoard("relays", board, self.bus)
        self.meter = ModbusReferenceMeter("witness", meter, self.bus)

    def wait(self, span: int) -> None:
        self.clock.sleep_until(self.clock.now() + span)


def relays(**changed: object) -> Profile:
    assert BOARD.modbus is not None
    assert BOARD.modbus.relay_board is not None
    held = replace(BOARD.modbus.relay_board, **changed)  # type: ignore[arg-type]
    return replace(BOARD, modbus=replace(BOARD.modbus, relay_board=held))


def quantities(**changed: Quantity) -> Profile:
    assert METER.modbus is not None
    assert METER.modbus.reference_meter is not None
    held = replace(METER.modbus.reference_meter, **changed)  # type: ignore[arg-type]
    return replace(METER, modbus=replace(METER.modbus, reference_meter=held))


BOARDS = [
    pytest.param(relays(closed_when=sense, read_back=how), id=f"{sense}-{how}")
    for sense in (True, False)
    for how in ReadBack
]


@pytest.mark.parametrize("profile", BOARDS)
def test_a_channel_feeds_or_cuts_its_devices_mains(profile: Profile) -> None:
    rack = Rack(profile)
    meter, hub = rack.home.electricity, rack.home.hub
    assert all(rack.board.channel_closed(channel) for channel in range(1, 9))
    rack.board.set_channel(1, closed=False)
    assert (rack.board.channel_closed(1), meter.powered, hub.powered) == (False, False, True)
    rack.board.set_channel(2, closed=False)
    assert not hub.powered
    rack.wait(HOUR)
    for channel in (1, 2):
        rack.board.set_channel(channel, closed=True)
    assert (meter.powered, hub.powered) == (True, True)
    (cut,) = meter.power_cuts
    assert cut[1] is not None
    assert abs(cut[1] - cut[0] - HOUR) < SECOND


def test_to_set_what_is_set_changes_nothing() -> None:
    rack = Rack()
    rack.board.set_channel(1, closed=True)
    assert rack.home.board.switched == []


@pytest.mark.parametrize("closed", [True, False])
def test_a_relay_that_does_not_follow_is_stuck(closed: bool) -> None:
    rack = Rack()
    rack.board.set_channel(1, closed=not closed)
    rack.home.board.stick(1)
    wanted = "closed and reads back open" if closed else "open and reads back closed"
    with pytest.raises(RelayStuck, match=f"channel 1 was told to be {wanted}"):
        rack.board.set_channel(1, closed=closed)
    assert rack.board.channel_closed(1) is not closed
    rack.home.board.free(1)
    assert rack.board.channel_closed(1) is closed


def test_a_board_that_reads_back_coils_cannot_see_a_stuck_contact() -> None:
    """Why a profile should have `read-back: inputs` where the board can."""
    rack = Rack(relays(read_back=ReadBack.COILS))
    rack.home.board.stick(1)
    rack.board.set_channel(1, closed=False)
    assert rack.home.electricity.powered


def test_a_channel_the_board_does_not_have() -> None:
    rack = Rack()
    for channel in (0, 9):
        with pytest.raises(KitFault, match="channels 1 to 8"):
            rack.board.set_channel(channel, closed=True)
    wide = Rack(relays(channels=16))
    with pytest.raises(KitFault, match="illegal-address"):
        wide.board.channel_closed(16)


def test_the_witness_measures_what_its_channel_feeds() -> None:
    rack = Rack()
    rack.wait(HOUR)
    before = rack.meter.measure()
    assert before == rack.home.witness.measure()
    assert before.voltage_v == 230
    assert before.power_w > 100
    assert before.uncertainty == Decimal("0.002")
    own = rack.home.electricity.register
    rack.wait(HOUR)
    shown = own.value(rack.clock.now()) - own.value(before.measured_at)
    after = rack.meter.measure()
    assert abs(after.energy_kwh - before.energy_kwh - shown) <= Decimal("0.001")
    assert after.measured_at == rack.clock.now()


def test_the_witness_sees_an_open_relay_and_an_open_contactor_apart() -> None:
    rack = Rack()
    rack.home.electricity.interrupt_supply()
    measured = rack.meter.measure()
    assert (measured.voltage_v, measured.power_w) == (Decimal(230), Decimal(0))
    rack.home.electricity.restore_supply()
    assert rack.meter.measure().power_w > 0
    rack.board.set_channel(1, closed=False)
    cut = rack.meter.measure()
    assert (cut.voltage_v, cut.power_w) == (Decimal(0), Decimal(0))
    rack.wait(HOUR)
    assert rack.meter.measure().energy_kwh == cut.energy_kwh


def test_a_register_that_is_lost_does_not_fool_the_witness() -> None:
    rack = Rack()
    rack.wait(HOUR)
    before = rack.meter.measure().energy_kwh
    rack.home.electricity.lose_register()
    rack.wait(HOUR)
    assert rack.meter.measure().energy_kwh > before


def test_quantities_that_do_not_adjoin_are_read_one_by_one() -> None:
    scattered = quantities(
        voltage=Quantity(100, NumberForm.F32, decimals=1),
        power=Quantity(7, NumberForm.I32, Table.HOLDING, -1, WordOrder.LOW_FIRST),
        energy=Quantity(102, NumberForm.F32, decimals=3),
    )
    rack = Rack(meter=scattered)
    rack.wait(HOUR)
    measured = rack.meter.measure()
    assert replace(measured, measured_at=0) == replace(rack.home.witness.measure(), measured_at=0)


def test_a_quantity_its_form_cannot_hold_is_the_kits_fault() -> None:
    rack = Rack(meter=quantities(power=Quantity(1, NumberForm.U16, scale=-3)))
    with pytest.raises(KitFault, match="device-failure"):
        rack.meter.measure()


FORMS = [
    (Quantity(0, NumberForm.U16, scale=-1), "230.1", (2301,)),
    (Quantity(0, NumberForm.I16), "-5", (0xFFFB,)),
    (Quantity(0, NumberForm.U32, scale=-3), "70.000", (1, 4464)),
    (Quantity(0, NumberForm.U32, scale=-3, order=WordOrder.LOW_FIRST), "70.000", (4464, 1)),
    (Quantity(0, NumberForm.I32, scale=-1), "-0.1", (0xFFFF, 0xFFFF)),
    (Quantity(0, NumberForm.F32, decimals=2), "1.50", (0x3FC0, 0)),
    (Quantity(0, NumberForm.U16, scale=2), "12300", (123,)),
]


@pytest.mark.parametrize(("quantity", "value", "words"), FORMS)
def test_numbers_in_registers(quantity: Quantity, value: str, words: tuple[int, ...]) -> None:
    assert encoded(quantity, Decimal(value)) == words
    assert decoded(quantity, words) == Decimal(value)


def test_not_a_number_is_no_number() -> None:
    with pytest.raises(ValueError, match="expected a number"):
        decoded(Quantity(0, NumberForm.F32), (0x7FC0, 0))
    for value in ("-1", "6554"):
        with pytest.raises(ValueError, match="does not fit"):
            encoded(Quantity(0, NumberForm.U16, scale=-1), Decimal(value))


# the fault, what is said of it; each is the bench's, never a device's
FAULTS = [
    ("request-lost", "no reply"),
    ("no-reply", "no reply"),
    ("reply-late", "no reply"),
    ("truncated", "cut off|garbled"),
    ("bits-flipped", "garbled|not the reply|cut off"),
    ("noise-inserted", "garbled|not the reply|cut off"),
    ("busy", "refused"),
    ("another-devices-reply", "not the reply|no reply"),
]


def late_or(fault: str, nth: int) -> PipeFaultSpec:
    lasts = 700 * MILLISECOND if fault == "reply-late" else None
    return PipeFaultSpec(fault, PipeMoment(nth=nth), lasts=lasts)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("fault", "says"), FAULTS)
def test_what_goes_wrong_on_the_line_is_the_benchs(fault: str, says: str, seed: int) -> None:
    plan = FaultPlan((late_or(fault, nth=2),), ModbusSpeech())
    rack = Rack(plan=plan, seed=seed)
    assert rack.board.channel_closed(3)
    with pytest.raises(KitFault, match=says) as error:
        rack.meter.measure()
    assert not isinstance(error.value, PeerError)
    assert rack.meter.measure() == rack.home.witness.measure()


@pytest.mark.parametrize("fault", ["request-lost", "no-reply", "reply-late", "truncated", "echoed"])
@pytest.mark.parametrize("nth", [1, 2])
def test_switching_is_settled_by_reading_back(fault: str, nth: int) -> None:
    plan = FaultPlan((late_or(fault, nth=nth),), ModbusSpeech())
    rack = Rack(plan=plan)
    rack.board.set_channel(1, closed=False)
    assert rack.transport.struck  # type: ignore[attr-defined]
    assert not rack.home.electricity.powered
    assert len(rack.home.board.switched) == 1


def test_a_board_that_hears_nothing_is_told_twice_and_then_reported() -> None:
    plan = FaultPlan((PipeFaultSpec("request-lost", PipeMoment(), times=1_000),), ModbusSpeech())
    rack = Rack(plan=plan)
    with pytest.raises(KitFault, match="relays: set_channel: no reply"):
        rack.board.set_channel(1, closed=False)


OCTETS = 60  # of two requests and their answers, and of the silence between


def test_a_port_pulled_at_each_octet_of_a_request() -> None:
    at_once = TimingProfile(SECOND, 0, 2 * SECOND)
    board, meter = timed(BOARD, at_once), timed(METER, at_once)
    for octet in range(OCTETS):
        rack = Rack(board, meter, grain=0)
        rack.clock.call_at(START + octet * BOARD.line.settings.span(1), rack.port.unplug)
        with pytest.raises(PortGone):
            [rack.meter.measure() for _ in range(4)]
        assert rack.clock.now() - START < SECOND // 5
        with pytest.raises(PortGone, match="did not come back"):
            rack.board.channel_closed(1)
        rack.port.plug()
        assert rack.meter.measure() == rack.home.witness.measure()
        rack.board.set_channel(1, closed=False)
        assert not rack.home.electricity.powered


def test_the_units_share_the_line_and_wait_for_their_turn() -> None:
    rack = Rack()
    now = rack.clock.now()
    with (
        rack.bus.conversation("somebody", now + HOUR),
        pytest.raises(Busy, match="witness waits for somebody"),
    ):
        rack.meter.measure()
    assert rack.meter.measure().voltage_v == 230


def test_frames_are_parted_by_silence() -> None:
    rack = Rack(grain=0)
    began: list[Micros] = []
    kit = rack.home.bench_kit(rack.port)

    class Tap:
        def receive(self, data: bytes, at: Micros) -> None:
            began.append(at)
            kit.receive(data, at)

    rack.port.attach(Tap())
    character = BOARD.line.settings.span(1)
    for _ in range(3):
        answered = rack.transport.received_at
        began.clear()
        rack.board.channel_closed(1)
        assert began[0] - character - answered >= BOARD.line.settings.span(35) // 10


def test_frames_nobody_waits_for_any_more_are_let_pass() -> None:
    rack = Rack()
    assert rack.meter.measure().voltage_v == 230
    stale = ModbusServer((2,)).answer(Asked(2, ReadRegisters(0, 5, inputs=True)), [1, 2, 3, 4, 5])
    rack.port.send(stale)
    rack.wait(SECOND)
    rack.clock.call_at(rack.clock.now() + 30 * MILLISECOND, lambda: rack.port.send(stale))
    assert rack.meter.measure() == rack.home.witness.measure()


def test_both_work_alone_from_a_port_and_a_profile_name() -> None:
    place = home()
    ports = PortRegistry()
    ports.register_memory(place.bench_port())
    board = modbus_relay_board.connect("emu:rs485", clock=place.clock, emulated=ports)
    board.set_channel(1, closed=False)
    assert not place.electricity.powered
    board.close()
    meter = modbus_reference_meter.connect("emu:rs485", clock=place.clock, emulated=ports)
    assert meter.measure().voltage_v == 0
    meter.close()


def test_a_profile_of_other_kit_is_the_users_mistake() -> None:
    clock = VirtualClock(START)
    place = home(clock)
    transport = place.bench_port().connect(BOARD.line.settings)
    with pytest.raises(UsageError, match="is for a reference-meter, not for a relay-board"):
        ModbusRelayBoard("relays", METER, transport)


def test_what_the_unit_does_not_do_it_refuses() -> None:
    rack = Rack()
    with pytest.raises(KitFault, match="illegal-function"):
        rack.meter._unit.write_bit("try", WriteBit(0, True))
    assert rack.clock.now() < START + MINUTE
