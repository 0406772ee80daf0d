"""Relay board and reference meter: the same from every host."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.clock import VirtualClock
from bench.devices import PowerSwitch, ReferenceMeter
from bench.errors import BenchError, KitFault, PeerError, RelayStuck
from bench.units import HOUR, MILLISECOND, MINUTE, SECOND, Micros
from drivers.modbus_reference_meter import ModbusReferenceMeter
from drivers.modbus_relay_board import ModbusRelayBoard
from drivers.profiles.profile import Profile, TimingProfile
from drivers.transport.bus import SharedBus
from drivers.transport.opening import open_transport
from drivers.transport.pipe import Transport
from emulators.direct_kit import DirectReferenceMeter, DirectRelayBoard
from tests.wire.kit_on_wire import BOARD, METER, START, Home, home, timed
from tests.wire.pty_host import PtyHost
from tests.wire.skipping_clock import SkippingClock

if TYPE_CHECKING:
    from bench.clock import Clock


@dataclass(frozen=True)
class BenchKit:
    """Channel 1 feeds the electricity meter; the reference meter is in its way."""

    board: PowerSwitch
    meter: ReferenceMeter
    home: Home

    @property
    def clock(self) -> Clock:
        return self.home.clock

    def wait(self, span: Micros) -> None:
        self.clock.sleep_until(self.clock.now() + span)


def _direct(folder: Path, closing: ExitStack) -> BenchKit:
    place = home(VirtualClock(START))
    reaction = BOARD.timing.reaction
    board = DirectRelayBoard("relay-board", place.board, reaction)
    return BenchKit(board, DirectReferenceMeter(place.witness, reaction), place)


def _wired(place: Home, transport: Transport, board: Profile, meter: Profile) -> BenchKit:
    bus = SharedBus(transport, settle=board.timing.quiet)
    return BenchKit(
        ModbusRelayBoard("relay-board", board, bus),
        ModbusReferenceMeter("reference-meter", meter, bus),
        place,
    )


def _emu(folder: Path, closing: ExitStack) -> BenchKit:
    place = home(VirtualClock(START))
    return _wired(place, place.bench_port().connect(BOARD.line.settings), BOARD, METER)


def _pty(folder: Path, closing: ExitStack) -> BenchKit:
    clock = SkippingClock()
    place = home(clock)
    host = closing.enter_context(contextlib.closing(PtyHost(folder / "rs485", clock)))
    timing = TimingProfile(1_500 * MILLISECOND, MILLISECOND, 50 * MILLISECOND)
    profiles = timed(BOARD, timing), timed(METER, timing)
    place.hang_bench_kit(host, *profiles)
    transport = open_transport(str(host.path), BOARD.line.settings, clock, locks=folder)
    return _wired(place, closing.enter_context(transport), *profiles)


BENCH_HOSTS: dict[str, Callable[[Path, ExitStack], BenchKit]] = {
    "direct": _direct,
    "emu": _emu,
    "pty": _pty,
}


@pytest.fixture(params=BENCH_HOSTS)
def bench_kit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BenchKit]:
    with ExitStack() as closing:
        yield BENCH_HOSTS[request.param](tmp_path, closing)


def test_a_channel_is_as_it_was_set_and_the_others_stay(bench_kit: BenchKit) -> None:
    for closed in (False, False, True, True):
        bench_kit.board.set_channel(3, closed=closed)
        states = [bench_kit.board.channel_closed(channel) for channel in range(1, 9)]
        assert states == [True, True, closed, True, True, True, True, True]


def test_an_open_channel_cuts_the_mains_until_it_is_closed(bench_kit: BenchKit) -> None:
    meter = bench_kit.home.electricity
    bench_kit.board.set_channel(1, closed=False)
    (cut,) = meter.power_cuts
    assert cut[1] is None, "still cut"
    bench_kit.wait(HOUR)
    bench_kit.board.set_channel(1, closed=True)
    (cut,) = meter.power_cuts
    assert cut[1] is not None
    assert abs(cut[1] - cut[0] - HOUR) < SECOND
    assert meter.powered


def test_a_stuck_relay_is_the_benchs_fault(bench_kit: BenchKit) -> None:
    bench_kit.home.board.stick(1)
    with pytest.raises(RelayStuck) as error:
        bench_kit.board.set_channel(1, closed=False)
    assert isinstance(error.value, BenchError)
    assert bench_kit.board.channel_closed(1)
    assert bench_kit.home.electricity.powered


@pytest.mark.parametrize("channel", [0, 9, -1])
def test_a_channel_that_is_not_there(bench_kit: BenchKit, channel: int) -> None:
    with pytest.raises(KitFault) as error:
        bench_kit.board.set_channel(channel, closed=False)
    assert not isinstance(error.value, PeerError)
    with pytest.raises(KitFault):
        bench_kit.board.channel_closed(channel)


def test_voltage_and_power_follow_the_channel(bench_kit: BenchKit) -> None:
    fed = bench_kit.meter.measure()
    assert fed.voltage_v == 230
    assert fed.power_w > 0
    assert 0 <= bench_kit.clock.now() - fed.measured_at < SECOND
    assert fed.uncertainty > 0
    bench_kit.board.set_channel(1, closed=False)
    cut = bench_kit.meter.measure()
    assert (cut.voltage_v, cut.power_w) == (Decimal(0), Decimal(0))


def test_energy_rises_while_the_meter_is_fed_and_agrees_with_it(bench_kit: BenchKit) -> None:
    register = bench_kit.home.electricity.register
    readings = [(bench_kit.meter.measure(), register.value(bench_kit.clock.now()))]
    for closed in (True, False, True):
        bench_kit.board.set_channel(1, closed=closed)
        bench_kit.wait(3 * HOUR + 7 * MINUTE)
        readings.append((bench_kit.meter.measure(), register.value(bench_kit.clock.now())))
    steps = [
        (after.energy_kwh - before.energy_kwh, shown_after - shown_before)
        for (before, shown_before), (after, shown_after) in pairwise(readings)
    ]
    assert all(abs(measured - shown) <= Decimal("0.002") for measured, shown in steps)
    assert steps[0][0] > Decimal("0.3")
    assert steps[1][0] <= Decimal("0.001")
    assert steps[2][0] > Decimal("0.3")
