"""Communications hubs, and a display, that lose each other or the network."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bench.clock import Clock
from bench.devices import DisplayState, HanDevice, Role, WanState
from bench.installation import DeviceSpec
from bench.invariant import Invariant
from bench.units import DAY, HOUR
from emulators.deviants.registry import deviant
from emulators.models.comms_hub import CommsHub
from emulators.models.ihd import InHomeDisplay

_HUB: Final = Role.COMMS_HUB


@deviant(_HUB, Invariant.HAN)
class LosesItsHanKeyOnReboot(CommsHub):
    """Forgets the HAN's key when it restarts, so that every device has to join again."""

    __slots__ = ()

    def _come_up(self) -> None:
        for _, link in self.links.values():
            link.joined = False
        super()._come_up()


@deviant(_HUB, Invariant.HAN)
class DropsTheDisplay(CommsHub):
    """Drops the display from the HAN when it has been up for a day and an hour."""

    __slots__ = ()

    def __init__(self, spec: DeviceSpec, clock: Clock) -> None:
        super().__init__(spec, clock)
        clock.call_at(clock.now() + DAY + HOUR, self._drop)

    def _drop(self) -> None:
        for device, link in self.links.values():
            if device.spec.role is Role.IHD and link.joined:
                self._leave(device, link)


@deviant(_HUB, Invariant.OFF_THE_WAN)
class SleepsAgainAtOnce(CommsHub):
    """Falls dormant again before it could be used after an SMS woke it."""

    __slots__ = ()

    def wan_state(self) -> WanState:
        self.wan.dormant = True
        return super().wan_state()


@deviant(_HUB, Invariant.UNHEARD)
class ForgetsWhatItHeard(CommsHub):
    """Goes on stating that it heard every device last when it started."""

    __slots__ = ("_stale",)

    def __init__(self, spec: DeviceSpec, clock: Clock) -> None:
        super().__init__(spec, clock)
        self._stale = clock.now()

    def han_devices(self) -> tuple[HanDevice, ...]:
        return tuple(replace(row, last_heard=self._stale) for row in super().han_devices())


@deviant(Role.IHD, Invariant.HAN)
class ShowsAnotherHome(InHomeDisplay):
    """Is joined to the hub next door, and shows that home's figures."""

    __slots__ = ()

    def display_state(self) -> DisplayState:
        own = super().display_state()
        if own.joined_to is None:
            return own
        last = int(own.joined_to[-2:], 16) ^ 0x01
        return replace(own, joined_to=f"{own.joined_to[:-2]}{last:02X}")
