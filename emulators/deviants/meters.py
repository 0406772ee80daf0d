"""Electricity meters that misbehave with what is the consumer's, and with clock and identity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Final

from bench.clock import Clock
from bench.devices import Identity, KeySlot, PaymentMode, RegisterReading, Role
from bench.installation import DeviceSpec
from bench.invariant import Invariant
from bench.secret import Secret
from bench.units import HOUR, Micros
from emulators.deviants.registry import deviant
from emulators.models.electricity_meter import ElectricityMeter

_METER: Final = Role.ELECTRICITY_METER
_DRIFT_PPM: Final = 5000


@deviant(_METER, Invariant.REGISTERS)
class LosesItsRegisterOnRotation(ElectricityMeter):
    """Starts its register again from zero when it takes a new key."""

    __slots__ = ()

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        super().rotate_key(slot, new, counter)
        self.lose_register()


@deviant(_METER, Invariant.BALANCE)
class LosesTheBalanceOnRotation(ElectricityMeter):
    """Forgets the prepayment balance when it takes a new key."""

    __slots__ = ()

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        super().rotate_key(slot, new, counter)
        if self.payment.balance(self.register.steps(self.clock.now())) is not None:
            self.lose_balance()


@deviant(_METER, Invariant.SUPPLY)
class OpensTheSupplyOnReboot(ElectricityMeter):
    """Interrupts the supply when it has restarted."""

    __slots__ = ()

    def _come_up(self) -> None:
        super()._come_up()
        self.interrupt_supply()


@deviant(_METER, Invariant.SUPPLY)
class OpensTheSupplyOnRotation(ElectricityMeter):
    """Interrupts the supply when it takes a new key."""

    __slots__ = ()

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        super().rotate_key(slot, new, counter)
        self.interrupt_supply()


@deviant(_METER, Invariant.CLOCK)
class DriftsItsClock(ElectricityMeter):
    """Its clock gains 18 seconds an hour."""

    __slots__ = ()

    def __init__(
        self,
        spec: DeviceSpec,
        clock: Clock,
        mode: PaymentMode,
        keys: Iterable[tuple[KeySlot, Secret]],
    ) -> None:
        fast = replace(spec, emulation=replace(spec.emulation, drift_ppm=_DRIFT_PPM))
        super().__init__(fast, clock, mode, keys)


@deviant(_METER, Invariant.CLOCK)
class LosesItsClockOnReboot(ElectricityMeter):
    """Its clock shows 1970 when it has restarted."""

    __slots__ = ()

    def _come_up(self) -> None:
        super()._come_up()
        self.device_clock.reset_to_epoch()


@deviant(_METER, Invariant.ACKNOWLEDGED)
class KeepsItsOwnTime(ElectricityMeter):
    """Acknowledges a new time and goes on showing its own."""

    __slots__ = ()

    def set_clock(self, to: Micros) -> None:
        self.count("set_clock")


@deviant(_METER, Invariant.RESTARTED)
class RestartsEverySixHours(ElectricityMeter):
    """Restarts by itself every six hours."""

    __slots__ = ()

    def __init__(
        self,
        spec: DeviceSpec,
        clock: Clock,
        mode: PaymentMode,
        keys: Iterable[tuple[KeySlot, Secret]],
    ) -> None:
        super().__init__(spec, clock, mode, keys)
        clock.call_at(clock.now() + 6 * HOUR, self._fall)

    def _fall(self) -> None:
        self.restart()
        self.clock.call_at(self.clock.now() + 6 * HOUR, self._fall)


@deviant(_METER, Invariant.IDENTITY)
class AnswersForAnotherDevice(ElectricityMeter):
    """Answers with the EUI-64 of the next meter of its batch."""

    __slots__ = ()

    def identity(self) -> Identity:
        own = super().identity()
        last = int(own.eui64[-2:], 16) ^ 0x01
        return replace(own, eui64=f"{own.eui64[:-2]}{last:02X}")


@deviant(_METER, Invariant.IDENTITY)
class KeepsTheOldFirmwareString(ElectricityMeter):
    """States the firmware that it had before its last update."""

    __slots__ = ()

    def identity(self) -> Identity:
        return replace(super().identity(), firmware="0.1 before the update")


@deviant(_METER, Invariant.HAN)
class LeavesTheHanWithANewKey(ElectricityMeter):
    """Leaves the HAN when it takes a new key."""

    __slots__ = ()

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        super().rotate_key(slot, new, counter)
        if self.link is not None:
            self.link.joined = False
            self.link.update(self.clock.now())


@deviant(_METER, Invariant.MISCOUNTED)
class CountsHalf(ElectricityMeter):
    """Counts half of what is used from when it was installed."""

    __slots__ = ("_first",)

    def __init__(
        self,
        spec: DeviceSpec,
        clock: Clock,
        mode: PaymentMode,
        keys: Iterable[tuple[KeySlot, Secret]],
    ) -> None:
        super().__init__(spec, clock, mode, keys)
        self._first = self.register.steps(clock.now())

    def reading(self, at: Micros) -> RegisterReading:
        true = super().reading(at)
        steps = (self.register.steps(at) + self._first) // 2
        return replace(true, values=((true.values[0][0], Decimal(steps).scaleb(-3)),))
