"""The electricity meter (ESME): mains-fed, always listening."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from bench.clock import Clock
from bench.devices import KeySlot, PaymentMode
from bench.installation import DeviceSpec
from bench.secret import Secret
from emulators.models.meter import Meter
from emulators.models.registers import ELECTRICITY

POUNDS_PER_WH: Final = Decimal("0.00025")


class ElectricityMeter(Meter):
    """Without mains it neither answers nor counts; keys, registers and balance are kept."""

    __slots__ = ()

    def __init__(
        self,
        spec: DeviceSpec,
        clock: Clock,
        mode: PaymentMode,
        keys: Iterable[tuple[KeySlot, Secret]],
    ) -> None:
        super().__init__(spec, clock, fuel=ELECTRICITY, price=POUNDS_PER_WH, mode=mode, keys=keys)

    def _flows(self) -> bool:
        return self.powered and super()._flows()

    def _power_changed(self) -> None:
        super()._power_changed()
        self._flow_changed()
