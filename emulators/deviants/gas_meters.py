"""Gas meters that sleep too long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bench.clock import Clock
from bench.devices import KeySlot, PaymentMode, Role
from bench.installation import DeviceSpec
from bench.invariant import Invariant
from bench.secret import Secret
from bench.units import HOUR, Micros
from emulators.deviants.registry import deviant
from emulators.models.gas_meter import GasMeter

_METER: Final = Role.GAS_METER


@deviant(_METER, Invariant.UNHEARD)
class WakesTooRarely(GasMeter):
    """Wakes every six hours, which is too rarely for a retry every half hour."""

    __slots__ = ()

    def __init__(
        self,
        spec: DeviceSpec,
        clock: Clock,
        mode: PaymentMode,
        keys: Iterable[tuple[KeySlot, Secret]],
        phase: Micros,
    ) -> None:
        rare = replace(spec, emulation=replace(spec.emulation, wakes_every=6 * HOUR))
        super().__init__(rare, clock, mode, keys, phase)


@deviant(_METER, Invariant.UNANSWERED)
class FallsAsleepWithANewKey(GasMeter):
    """Takes a new key, answers, and never wakes again."""

    __slots__ = ()

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        super().rotate_key(slot, new, counter)
        self.stop_waking()


@deviant(_METER, Invariant.REGISTERS)
class LosesItsVolumeOnRotation(GasMeter):
    """Starts its register again from zero when it takes a new key."""

    __slots__ = ()

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        super().rotate_key(slot, new, counter)
        self.lose_register()
