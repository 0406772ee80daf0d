"""The gas meter (GSME): on battery and asleep most of the time."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from bench.clock import Clock
from bench.devices import KeySlot, PaymentMode
from bench.installation import DeviceSpec
from bench.secret import Secret
from bench.units import Micros
from emulators.models.meter import Meter
from emulators.models.registers import GAS

POUNDS_PER_DM3: Final = Decimal("0.00067")


class GasMeter(Meter):
    """Wakes at every t ≡ `phase` (mod `wakes_every`) and listens for `awake_for`.

    At each wake-up it sends its registers to the hub. Once it has stopped waking it neither
    listens nor sends, but goes on counting.
    """

    __slots__ = ("_asleep_for_good", "phase")

    def __init__(
        self,
        spec: DeviceSpec,
        clock: Clock,
        mode: PaymentMode,
        keys: Iterable[tuple[KeySlot, Secret]],
        phase: Micros,
    ) -> None:
        super().__init__(spec, clock, fuel=GAS, price=POUNDS_PER_DM3, mode=mode, keys=keys)
        self.phase = phase
        self._asleep_for_good = 0

    def answers_at(self, now: Micros) -> Micros | None:
        if not self.up or self._asleep_for_good:
            return None
        emulation = self.spec.emulation
        since_wake_up = (now - self.phase) % emulation.wakes_every
        if since_wake_up < emulation.awake_for:
            return now
        return now - since_wake_up + emulation.wakes_every

    def stop_waking(self) -> None:
        self._asleep_for_good += 1
        self._schedule_changed()

    def go_on_waking(self) -> None:
        self._asleep_for_good -= 1
        self._schedule_changed()

    def _schedule_changed(self) -> None:
        if self.link is not None:
            self.link.speaks = not self._asleep_for_good
            self.link.update(self.clock.now())
