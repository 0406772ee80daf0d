"""The drivers of this project, each on its emulated device, for the transport matrix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from matrix import Call, Driven, Rig, Wrap

from bench.clock import Clock
from bench.devices import DisplayState, Measurement
from bench.errors import Busy, KitFault, PeerError
from drivers.console_hub import ConsoleHub
from drivers.console_ihd import ConsoleDisplay
from drivers.gas_via_hub import GasViaHub
from drivers.modbus_reference_meter import ModbusReferenceMeter
from drivers.modbus_relay_board import ModbusRelayBoard
from tests.wire.kit_on_wire import BOARD, HUB, IHD, METER, Home, home

_NO_CHECKSUM: Final = "a console line has no checksum: a changed or lost digit is another number"
_CONSOLE_BLIND: Final = {"loss": _NO_CHECKSUM, "corruption": _NO_CHECKSUM, "babble": _NO_CHECKSUM}

_KIT: Final = (KitFault, Busy)  # Busy: the shared line does not fall silent


def _equals(expected: Callable[[], object]) -> Callable[[object], bool]:
    return lambda value: value == expected()


def _hub(clock: Clock, wrap: Wrap) -> Driven:
    place = home(clock)
    transport = wrap(place.console_port("hub", HUB).connect(HUB.line.settings))
    driver = ConsoleHub("hub", HUB, transport)
    return _hub_calls(place, driver)


def _hub_calls(place: Home, driver: ConsoleHub) -> Driven:
    hub = place.hub
    gas = place.gas.spec.eui64
    identify = Call("identify", driver.identify, _equals(hub.identity))
    return Driven(
        [
            identify,
            Call("wan_state", driver.wan_state, _equals(hub.wan_state)),
            Call(
                "mirrored_registers",
                lambda: driver.mirrored_registers(gas).values,
                _equals(lambda: hub.mirrored_registers(gas).values),
            ),
            Call("wake", driver.wake, _equals(lambda: None), _counted(place, "hub", "wake")),
            Call(
                "permit_join",
                lambda: driver.permit_join(60),
                _equals(lambda: None),
                _counted(place, "hub", "permit_join"),
            ),
        ],
        identify,
    )


def _counted(place: Home, device: str, operation: str) -> Callable[[], int]:
    return lambda: place.world.truth().devices[device].executed.get(operation, 0)


def _display(clock: Clock, wrap: Wrap) -> Driven:
    place = home(clock)
    transport = wrap(place.console_port("display", IHD).connect(IHD.line.settings))
    driver = ConsoleDisplay("display", IHD, transport)
    identify = Call("identify", driver.identify, _equals(place.display.identity))

    def shows_now(value: object) -> bool:
        now = place.display.display_state()
        assert isinstance(value, DisplayState)
        pairs = zip(value.shown, now.shown, strict=True)
        return value.joined_to == now.joined_to and all(_close(*pair) for pair in pairs)

    state = Call("display_state", driver.display_state, shows_now)
    return Driven([identify, state], identify)


def _close(shown: str, now: str) -> bool:
    """The same register, which may have counted on while the answer was on its way."""
    (name, value, unit), (name_now, value_now, unit_now) = shown.split(), now.split()
    counted = Decimal(value_now) - Decimal(value)
    return (name, unit) == (name_now, unit_now) and 0 <= counted <= Decimal("0.05")


def _gas_via_hub(clock: Clock, wrap: Wrap) -> Driven:
    place = home(clock)
    transport = wrap(place.console_port("hub", HUB).connect(HUB.line.settings))
    gas = place.gas.spec.eui64
    driver = GasViaHub("gas", ConsoleHub("hub", HUB, transport), gas)
    read = Call(
        "read_registers",
        lambda: driver.read_registers().values,
        _equals(lambda: place.hub.mirrored_registers(gas).values),
    )
    return Driven([read], read)


def _board(clock: Clock, wrap: Wrap) -> Driven:
    place = home(clock)
    place.board.set_channel(3, closed=False)
    place.board.set_channel(4, closed=False)
    driver = ModbusRelayBoard(
        "relay-board", BOARD, wrap(place.bench_port().connect(BOARD.line.settings))
    )

    def reads(channel: int) -> Call:
        return Call(
            f"channel_closed({channel})",
            lambda: driver.channel_closed(channel),
            _equals(lambda: place.board.channel_closed(channel)),
        )

    def sets(channel: int, closed: bool) -> Call:
        return Call(
            f"set_channel({channel}, {closed})",
            lambda: driver.set_channel(channel, closed=closed),
            lambda _: place.board.channel_closed(channel) is closed,
            lambda: len(place.board.switched),
            repeats=True,
        )

    calls = [reads(2), reads(3), reads(4), sets(5, False), sets(5, True), sets(6, False)]
    return Driven(calls, reads(3))


def _reference_meter(clock: Clock, wrap: Wrap) -> Driven:
    place = home(clock)
    driver = ModbusReferenceMeter(
        "reference-meter", METER, wrap(place.bench_port().connect(METER.line.settings))
    )

    def true(value: object) -> bool:
        now = place.witness.measure()
        assert isinstance(value, Measurement)
        near = abs(value.energy_kwh - now.energy_kwh) <= Decimal("0.05")
        return value.voltage_v == now.voltage_v and value.power_w > 0 and near

    measure = Call("measure", driver.measure, true)
    return Driven([measure], measure)


RIGS: Final[Mapping[object, Rig]] = {
    ConsoleHub: Rig("console-hub", _hub, HUB.timing, blind=_CONSOLE_BLIND, exchanges=6),
    ConsoleDisplay: Rig("console-ihd", _display, IHD.timing, blind=_CONSOLE_BLIND),
    GasViaHub: Rig("gas-via-hub", _gas_via_hub, HUB.timing, (PeerError,), _CONSOLE_BLIND, 8),
    ModbusRelayBoard: Rig("relay-board", _board, BOARD.timing, _KIT, exchanges=8),
    ModbusReferenceMeter: Rig("reference-meter", _reference_meter, METER.timing, _KIT, exchanges=8),
}
"""By the driver that the entry point names."""
