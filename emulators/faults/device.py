"""Faults in a device: something in its state changes, whoever asks or does not."""

from __future__ import annotations

from typing import Final

from bench.devices import Role
from bench.secret import Secret
from bench.units import HOUR, MILLISECOND, SECOND
from emulators.faults.registry import (
    ALL_ROLES,
    METERS,
    Family,
    Option,
    Strike,
    Undo,
    state_fault,
)
from emulators.models.comms_hub import CommsHub
from emulators.models.device import EmulatedDevice
from emulators.models.gas_meter import GasMeter
from emulators.models.ihd import InHomeDisplay
from emulators.models.meter import Meter

_SAG: Final = 200 * MILLISECOND
_USUAL_STEP: Final = HOUR  # summer time applied to a clock that keeps UTC
_USUAL_DRIFT_PPM: Final = 500


@state_fault(Family.DEVICE, ALL_ROLES - {Role.GAS_METER}, Option.LASTS)
def power_cut(device: EmulatedDevice, strike: Strike) -> Undo:
    """The mains are cut; when they are back the device starts. A gas meter has a battery."""
    device.cut_power()
    return device.restore_power


@state_fault(Family.DEVICE, ALL_ROLES - {Role.GAS_METER})
def brown_out(device: EmulatedDevice, strike: Strike) -> None:
    """The mains sag twice within two seconds: the device goes down, and again before it has started
    up. A gas meter has a battery.
    """
    now = device.clock.now()
    device.cut_power()
    device.clock.call_at(now + _SAG, device.restore_power)
    device.clock.call_at(now + SECOND, device.cut_power)
    device.clock.call_at(now + SECOND + _SAG, device.restore_power)


@state_fault(Family.DEVICE, METERS, Option.LASTS)
def flash_full(meter: Meter, strike: Strike) -> Undo:
    """The meter has no room left to store anything: it refuses a new key or time with the code
    `storage-full` and goes on counting.
    """
    meter.full += 1

    def make_room() -> None:
        meter.full -= 1

    return make_room


@state_fault(Family.DEVICE, ALL_ROLES)
def reboot(device: EmulatedDevice, strike: Strike) -> None:
    """The device restarts by itself."""
    device.restart()


@state_fault(Family.DEVICE, METERS, Option.BY, leaves_answers=True)
def clock_step(meter: Meter, strike: Strike) -> None:
    """The meter's clock jumps by `by` (such as -600s), or one hour forward if none is given."""
    meter.device_clock.step(_USUAL_STEP if strike.spec.by is None else strike.spec.by)


@state_fault(Family.DEVICE, METERS, leaves_answers=True)
def clock_epoch(meter: Meter, strike: Strike) -> None:
    """The meter's clock has lost its backup and shows 1970-01-01T00:00:00Z."""
    meter.device_clock.reset_to_epoch()


@state_fault(Family.DEVICE, METERS, Option.BY, Option.LASTS, leaves_answers=True)
def clock_drift(meter: Meter, strike: Strike) -> Undo:
    """The meter's clock runs fast by `by` parts per million, or 500 if none is given."""
    clock = meter.device_clock
    usual = meter.spec.emulation.drift_ppm
    clock.run_at(_USUAL_DRIFT_PPM if strike.spec.by is None else strike.spec.by)
    return lambda: clock.run_at(usual)


@state_fault(Family.DEVICE, ALL_ROLES)
def factory_reset(device: EmulatedDevice, strike: Strike) -> None:
    """The device leaves the HAN; a meter holds unknown factory keys and its clock shows 1970, a hub
    forgets its HAN table. Registers and balance are kept.
    """
    if isinstance(device, Meter):
        source = strike.random()
        device.reset_to_factory(
            {slot: Secret(source.randbytes(16), f"factory {slot}") for slot in device.keys.slots}
        )
    elif isinstance(device, CommsHub | InHomeDisplay):
        device.reset_to_factory()


@state_fault(Family.DEVICE, METERS, Option.LASTS, leaves_answers=True)
def supply_opened(meter: Meter, strike: Strike) -> Undo:
    """The meter interrupts the supply."""
    meter.interrupt_supply()
    return meter.restore_supply


@state_fault(Family.DEVICE, METERS, leaves_answers=True)
def register_lost(meter: Meter, strike: Strike) -> None:
    """The meter's register starts again from zero."""
    meter.lose_register()


@state_fault(Family.DEVICE, METERS, prepayment_only=True, leaves_answers=True)
def balance_lost(meter: Meter, strike: Strike) -> None:
    """The prepayment balance is gone. Needs an installation that pays by prepayment."""
    meter.lose_balance()


@state_fault(Family.DEVICE, frozenset({Role.GAS_METER}), Option.LASTS)
def stops_waking(meter: GasMeter, strike: Strike) -> Undo:
    """The gas meter no longer wakes up; it is not reached and the hub's mirror of it grows old."""
    meter.stop_waking()
    return meter.go_on_waking
