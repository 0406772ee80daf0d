"""The drivers of this project, each on its emulated device, for the transport matrix."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Final

from matrix import Call, Driven, Rig, Wrap

from bench.clock import Clock
from bench.devices import DisplayState, KeySlot, Measurement, RegisterReading
from bench.emulation import KeyTruth
from bench.errors import Busy, KitFault
from bench.secret import Secret
from bench.units import SECOND
from drivers.console_hub import ConsoleHub
from drivers.console_ihd import ConsoleDisplay
from drivers.dlms_meter import DlmsMeter
from drivers.gas_via_hub import GasViaHub
from drivers.modbus_reference_meter import ModbusReferenceMeter
from drivers.modbus_relay_board import ModbusRelayBoard
from drivers.profiles.dlms import SignOnProfile
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import Profile, read_profile
from drivers.transport.memory import MemoryPort
from emulators.wire.dlms_meter import DlmsMeter as EmulatedMeter
from tests.wire.kit_on_wire import BOARD, HUB, IHD, METER, Home, home


def _optical(profile: Profile) -> Profile:
    assert profile.dlms is not None
    return replace(profile, dlms=replace(profile.dlms, sign_on=SignOnProfile()))


_ELECTRICITY: Final = read_profile("generic-dlms-electricity")
_OPTICAL: Final = _optical(_ELECTRICITY)
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
        alike = (value.joined_to, len(value.shown)) == (now.joined_to, len(now.shown))
        return alike and all(map(_close, value.shown, now.shown))

    state = Call("display_state", driver.display_state, shows_now)
    return Driven([identify, state], identify)


def _close(shown: str, now: str) -> bool:
    """The same register, which may have counted on while the answer was on its way."""
    name_now, value_now, unit_now = now.split()
    try:
        name, value, unit = shown.split()
        counted = Decimal(value_now) - Decimal(value)
    except (ValueError, InvalidOperation):  # the line has changed the text
        return False
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


def _meter(clock: Clock, wrap: Wrap, profile: Profile) -> Driven:
    place = home(clock)
    model = place.electricity
    keys = demo_meter_keys(model.spec.eui64)
    port = MemoryPort("electricity", clock, profile.line.settings)
    rng = random.Random(1)
    port.attach(EmulatedMeter(model, profile, keys, port, challenge=lambda: rng.randbytes(16)))
    transport = wrap(port.connect(profile.line.settings))
    driver = DlmsMeter("electricity", profile, transport, keys, entropy=rng.randbytes)
    held = {key.check_value: key for key in (Secret(bytes(16), "electricity"),)}

    def truth() -> KeyTruth:
        return place.world.truth().devices["electricity"].keys[KeySlot.SUA]

    def rotate() -> None:
        key = Secret(rng.randbytes(16), "new")
        held[key.check_value] = key
        driver.rotate_key(KeySlot.SUA, key, len(held))

    def clock_shown(value: object) -> bool:
        assert isinstance(value, int)
        return 0 <= model.read_clock() - value <= 2 * SECOND

    def registers_now(value: object) -> bool:
        assert isinstance(value, RegisterReading)
        now = model.read_registers()
        pairs = zip(value.values, now.values, strict=True)
        return all(a == b and 0 <= y - x <= Decimal("0.05") for (a, x), (b, y) in pairs)

    identify = Call("identify", driver.identify, _equals(model.identity))
    return Driven(
        [
            identify,
            Call("read_clock", driver.read_clock, clock_shown),
            Call("read_registers", driver.read_registers, registers_now),
            Call("supply_state", driver.supply_state, _equals(model.supply_state)),
            Call(
                "set_clock",
                lambda: driver.set_clock(clock.now()),
                _equals(lambda: None),
                _counted(place, "electricity", "set_clock"),
            ),
            Call(
                "rotate_key",
                rotate,
                _equals(lambda: None),
                _counted(place, "electricity", "rotate_key"),
            ),
            Call(
                "key_state",
                lambda: driver.key_state(KeySlot.SUA).check_value,
                _equals(lambda: truth().check_value),
            ),
            Call(
                "prove_key",
                lambda: driver.prove_key(KeySlot.SUA, held[truth().check_value]),
                _equals(lambda: True),
            ),
        ],
        identify,
    )


RIGS: Final[Mapping[object, Rig]] = {
    DlmsMeter: Rig("dlms-meter", partial(_meter, profile=_ELECTRICITY), _ELECTRICITY, exchanges=10),
    "optical": Rig("optical-meter", partial(_meter, profile=_OPTICAL), _OPTICAL, exchanges=12),
    ConsoleHub: Rig("console-hub", _hub, HUB, exchanges=6),
    ConsoleDisplay: Rig("console-ihd", _display, IHD),
    GasViaHub: Rig("gas-via-hub", _gas_via_hub, HUB, exchanges=8),
    ModbusRelayBoard: Rig("relay-board", _board, BOARD, _KIT, exchanges=8),
    ModbusReferenceMeter: Rig("reference-meter", _reference_meter, METER, _KIT, exchanges=8),
}
"""By the driver that the entry point names, and that of a meter behind an optical port."""
