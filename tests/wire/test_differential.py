"""Seeded sequences of calls and happenings: `emu:` gives what `direct:` gives.

Equal means results, error classes and codes, and the models' truth at the end. Octets take no time
here and devices react at once, so that both worlds act at the same moments, but for the silence
between Modbus frames: times are compared to the second.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass

import pytest

from bench.devices import CommsHub, InHomeDisplay, PowerSwitch, ReferenceMeter
from bench.errors import BenchError, PeerError
from bench.units import SECOND
from drivers.console_hub import ConsoleHub
from drivers.console_ihd import ConsoleDisplay
from drivers.gas_via_hub import GasViaHub
from drivers.modbus_reference_meter import ModbusReferenceMeter
from drivers.modbus_relay_board import ModbusRelayBoard
from drivers.profiles.profile import Profile, TimingProfile
from drivers.transport.bus import SharedBus
from drivers.transport.memory import MemoryPort
from emulators.direct import DirectDisplay, DirectHub, channel_to
from emulators.direct_kit import DirectReferenceMeter, DirectRelayBoard
from tests.wire.kit_on_wire import BOARD, HUB, IHD, METER, START, Home, home, timed

SEQUENCES = int(os.environ.get("SMETS1_BENCH_SEQUENCES", "40"))
STEPS = 60
AT_ONCE = TimingProfile(10 * SECOND, 0, 12 * SECOND)


class Side:
    """One world and the way its devices are asked."""

    def __init__(
        self,
        place: Home,
        hub: CommsHub,
        display: InHomeDisplay,
        board: PowerSwitch,
        meter: ReferenceMeter,
    ) -> None:
        self.home = place
        self.hub = hub
        self.display = display
        self.board = board
        self.meter = meter
        self.gas = GasViaHub("gas", hub, place.gas.spec.eui64)

    def outcome(self, step: Callable[[Side], object]) -> object:
        try:
            return step(self)
        except PeerError as error:
            return type(error), error.peer, error.operation, error.code
        except BenchError as error:
            return type(error)

    def truth(self) -> object:
        world = self.home.world.truth()
        return world.devices, self.home.board.switched, self.home.board.coils


def direct() -> Side:
    place = home(reaction=0, reboot_takes=150 * SECOND)
    return Side(
        place,
        DirectHub(place.hub, channel_to(place.hub)),
        DirectDisplay(place.display, channel_to(place.display)),
        DirectRelayBoard("relays", place.board, 0),
        DirectReferenceMeter(place.witness, 0),
    )


def emu() -> Side:
    place = home(reaction=0, reboot_takes=150 * SECOND)

    def port(profile: Profile) -> MemoryPort:
        return MemoryPort("line", place.clock, profile.line.settings, paced=False)

    hub, display = timed(HUB, AT_ONCE), timed(IHD, AT_ONCE)
    board, meter = timed(BOARD, AT_ONCE), timed(METER, AT_ONCE)
    hub_port, display_port, rs485 = port(hub), port(display), port(board)
    place.hang_console("hub", hub, hub_port)
    place.hang_console("display", display, display_port)
    place.hang_bench_kit(rs485, board, meter)
    bus = SharedBus(rs485.connect(rs485.line), settle=board.timing.quiet)
    return Side(
        place,
        ConsoleHub("hub", hub, hub_port.connect(hub_port.line)),
        ConsoleDisplay("display", display, display_port.connect(display_port.line)),
        ModbusRelayBoard("relays", board, bus),
        ModbusReferenceMeter("witness", meter, bus),
    )


def coarse(value: object) -> object:
    """Microseconds become whole seconds; everything else stays."""
    if is_dataclass(value) and not isinstance(value, type):
        return tuple(coarse(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, Mapping):
        return {key: coarse(held) for key, held in value.items()}
    if isinstance(value, tuple | list):
        return tuple(coarse(item) for item in value)
    if isinstance(value, int) and value > SECOND:
        return round(value / SECOND)
    return value


Step = Callable[[Side], object]


def steps(rng: random.Random) -> Iterator[tuple[str, Step]]:
    names = ("electricity", "gas", "hub", "display")
    while True:
        eui64 = f"70-B3-D5-1F-30-00-A0-{rng.randint(0, 5):02X}"
        channel, flag = rng.choice((1, 2, 2, 5, 9)), rng.random() < 0.5
        seconds = rng.choice((-1, 0, 60, 3600))
        name = rng.choice(names)
        yield rng.choice(
            (
                ("identify hub", lambda side: side.hub.identify()),
                ("wan", lambda side: side.hub.wan_state()),
                ("wake", lambda side: side.hub.wake()),
                ("han", lambda side: side.hub.han_devices()),
                (f"join {seconds}", lambda side, s=seconds: side.hub.permit_join(s)),
                (f"remove {eui64}", lambda side, e=eui64: side.hub.remove_device(e)),
                ("reboot", lambda side: side.hub.reboot()),
                ("diagnostics", lambda side: side.hub.diagnostics()),
                (f"mirror {eui64}", lambda side, e=eui64: side.hub.mirrored_registers(e)),
                ("gas", lambda side: side.gas.read_registers()),
                ("identify display", lambda side: side.display.identify()),
                ("display", lambda side: side.display.display_state()),
                (f"set {channel} {flag}", lambda side, c=channel, f=flag: switch(side, c, f)),
                (f"get {channel}", lambda side, c=channel: side.board.channel_closed(c)),
                ("measure", lambda side: side.meter.measure()),
                (f"dormant {flag}", lambda side, f=flag: dormant(side, f)),
                ("interrupt", lambda side: side.home.electricity.interrupt_supply()),
                ("supply", lambda side: side.home.electricity.restore_supply()),
                ("stick", lambda side: side.home.board.stick(1)),
                ("free", lambda side: side.home.board.free(1)),
                (f"restart {name}", lambda side, n=name: side.home.world.models[n].restart()),
            )
        )


def switch(side: Side, channel: int, closed: bool) -> None:
    side.board.set_channel(channel, closed=closed)


def dormant(side: Side, is_: bool) -> None:
    side.home.hub.wan.dormant = is_


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_emu_gives_what_direct_gives(seed: int) -> None:
    rng = random.Random(seed)
    one, other = direct(), emu()
    seen: set[type] = set()
    at = START
    for number, (name, step) in zip(range(STEPS), steps(rng), strict=False):
        at += rng.choice((60, 60, 90, 900)) * SECOND  # time-out and quiet fit in between
        for side in (one, other):
            side.home.clock.sleep_until(at)
        expected, got = one.outcome(step), other.outcome(step)
        assert coarse(got) == coarse(expected), f"step {number}: {name}"
        seen.add(type(expected))
    assert coarse(other.truth()) == coarse(one.truth())
    assert len(seen) > 3
