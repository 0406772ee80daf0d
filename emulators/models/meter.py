"""What electricity and gas meters have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from bench.clock import Clock
from bench.devices import (
    KeySlot,
    KeyState,
    Payment,
    PaymentMode,
    RegisterReading,
    SupplyState,
)
from bench.emulation import DeviceTruth
from bench.installation import DeviceSpec
from bench.secret import Secret
from bench.units import DAY, Micros
from emulators.models.device import EmulatedDevice
from emulators.models.device_clock import DeviceClock
from emulators.models.kept import KeptDevice, KeptMeter
from emulators.models.key_slots import KeySlots
from emulators.models.payment import PaymentAccount
from emulators.models.registers import Fuel, Register
from emulators.models.rejection import Rejected
from emulators.models.supply import SupplySwitch


class Meter(EmulatedDevice):
    """A clock, a register, a supply switch, a payment account and keys.

    `full`: while it is above zero there is no room to store a change, and it is refused.
    `halved`: while it is set a change is applied by half: the date without the time of day, the
    counter of a key command without its key.
    """

    __slots__ = ("device_clock", "full", "halved", "keys", "payment", "register", "supply")

    def __init__(
        self,
        spec: DeviceSpec,
        clock: Clock,
        *,
        fuel: Fuel,
        price: Decimal,
        mode: PaymentMode,
        keys: Iterable[tuple[KeySlot, Secret]],
    ) -> None:
        super().__init__(spec, clock)
        emulation = spec.emulation
        self.device_clock = DeviceClock(clock, emulation.drift_ppm)
        steps = int(emulation.first_register.scaleb(3))
        self.register = Register(fuel, steps, emulation.load_w, clock.now())
        self.supply = SupplySwitch()
        self.payment = PaymentAccount(mode, emulation.balance, price, steps)
        self.keys = KeySlots(keys, emulation.lockout_after, emulation.lockout_for)
        self.full = 0
        self.halved = False

    def read_clock(self) -> Micros:
        return self.device_clock.read()

    def set_clock(self, to: Micros) -> None:
        self._require_room()
        if self.halved:
            self.device_clock.set(to - to % DAY + self.device_clock.read() % DAY)
            return
        self.device_clock.set(to)
        self.count("set_clock")

    def read_registers(self) -> RegisterReading:
        return self.reading(self.clock.now())

    def reading(self, at: Micros) -> RegisterReading:
        """The registers as they stood at `at`, read now."""
        fuel = self.register.fuel
        values = ((fuel.register, self.register.value(at)),)
        return RegisterReading(values, fuel.unit, at, self.clock.now())

    def supply_state(self) -> SupplyState:
        return self.supply.state

    def read_payment(self) -> Payment:
        return self.payment.read(self.register.steps(self.clock.now()))

    def key_state(self, slot: KeySlot) -> KeyState:
        return self.keys.state(slot)

    def prove_key(self, slot: KeySlot, key: Secret) -> bool:
        return self.keys.prove(slot, key, self.clock.now())

    def denies_proof(self) -> bool:
        """Asked once for each proof on a line: whether it denies even the key that it holds."""
        return False

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        self._require_room()
        if self.halved:
            self.keys.use_up(slot, counter, self.clock.now())
            return
        self.keys.rotate(slot, new, counter, self.clock.now())
        self.count("rotate_key")

    def interrupt_supply(self) -> None:
        self.supply.interrupt(self.clock.now())
        self._flow_changed()

    def restore_supply(self) -> None:
        self.supply.restore(self.clock.now())
        self._flow_changed()

    def lose_register(self) -> None:
        """The register starts again from zero; what was used before stays charged."""
        now = self.clock.now()
        before = self.register.steps(now)
        self.register.lose(now)
        self.payment.count_from(before, self.register.steps(now))

    def lose_balance(self) -> None:
        now = self.clock.now()
        self.payment.lose(self.register.steps(now), now)

    def reset_to_factory(self, keys: Mapping[KeySlot, Secret]) -> None:
        """Factory keys, no HAN, the clock at the epoch. Registers and balance are kept: they are
        the consumer's, and no reset may touch them.
        """
        self.keys.forget(keys, self.clock.now())
        self.device_clock.reset_to_epoch()
        if self.link is not None:
            self.link.joined = False
            self.link.update(self.clock.now())

    def kept(self) -> KeptDevice:
        own = KeptMeter(
            self.device_clock.kept(),
            self.register.kept(),
            self.supply.kept(),
            self.payment.kept(),
            self.keys.kept(),
        )
        return replace(super().kept(), meter=own)

    def recall(self, kept: KeptDevice) -> None:
        super().recall(kept)
        own = kept.meter
        if own is None:
            raise ValueError("meter: expected the state of a meter")
        self.device_clock.recall(own.clock)
        self.register.recall(own.reading)
        self.supply.recall(own.supply)
        self.payment.recall(own.payment)
        self.keys.recall(own.keys)

    def truth(self) -> DeviceTruth:
        return DeviceTruth(
            keys=self.keys.truth(),
            supply=self.supply.state,
            outages=self.supply.outages,
            registers_fell=self.register.fell,
            balance=self.payment.balance(self.register.steps(self.clock.now())),
            balance_lost=self.payment.lost,
            executed=dict(self.executed),
            locked_until=self.keys.locked_until,
            security_log=self.keys.security_log,
            power_cuts=self.power_cuts,
            clock_error=self.device_clock.read() - self.clock.now(),
            power_ups=self.power_ups,
            up_since=self.up_since,
            fell_at=self.register.fell_at,
            lost_at=self.payment.lost_at,
            joined=self.joined,
        )

    def _require_room(self) -> None:
        if self.full:
            raise Rejected("storage-full", "there is no room to store a change")

    def _flows(self) -> bool:
        """Whether the consumer can use anything now."""
        return self.supply.state is SupplyState.ON

    def _flow_changed(self) -> None:
        self.register.run(self.clock.now(), running=self._flows())
