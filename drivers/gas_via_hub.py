"""A gas meter without a port of its own, reached through the hub's mirror (`via: hub`).

The mirror holds what the meter sent at its last wake-up. So a reading carries the time the meter
sent it, and its staleness says how old it is. Whatever the mirror does not hold the bench cannot
ask for this way: `Refused` (`not-via-hub`), never a guess.
"""

from __future__ import annotations

from typing import Final, NoReturn

from bench.devices import (
    HasHub,
    Identity,
    KeySlot,
    KeyState,
    Payment,
    RegisterReading,
    Role,
    SupplyState,
)
from bench.errors import Refused, WrongDevice
from bench.secret import Secret
from bench.units import Micros

NOT_VIA_HUB: Final = "not-via-hub"


class GasViaHub:
    """`bench.devices.GasMeter`, as far as the hub's mirror goes.

    `eui64` is the meter's, as the station file has it. A reading is refused by `WrongDevice` if
    the hub has that device in another role.
    """

    def __init__(self, name: str, hub: HasHub, eui64: str) -> None:
        self.name = name
        self._hub = hub
        self._eui64 = eui64
        self._checked = False

    def read_registers(self) -> RegisterReading:
        """As old as the meter's last word to the hub: see `staleness`.

        Errors name the hub, for it is the hub that was asked.
        """
        if not self._checked:
            self._check()
        return self._hub.mirrored_registers(self._eui64)

    def identify(self) -> Identity:
        self._cannot("identify", "the hub knows its EUI-64 and role only")

    def read_clock(self) -> Micros:
        self._cannot("read_clock")

    def set_clock(self, to: Micros) -> None:
        self._cannot("set_clock")

    def supply_state(self) -> SupplyState:
        self._cannot("supply_state")

    def read_payment(self) -> Payment:
        self._cannot("read_payment")

    def key_state(self, slot: KeySlot) -> KeyState:
        self._cannot("key_state")

    def prove_key(self, slot: KeySlot, key: Secret) -> bool:
        self._cannot("prove_key", "the key was not sent anywhere")

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        self._cannot("rotate_key", "the key was not sent anywhere")

    def _check(self) -> None:
        for device in self._hub.han_devices():
            if device.eui64 == self._eui64 and device.role is not Role.GAS_METER:
                detail = f"expected a gas meter under {self._eui64}, the hub has a {device.role}"
                raise WrongDevice(self.name, "read_registers", detail)
        self._checked = True

    def _cannot(
        self, operation: str, why: str = "the hub's mirror holds registers only"
    ) -> NoReturn:
        raise Refused(self.name, operation, why, code=NOT_VIA_HUB)
