"""The in-home display (IHD)."""

from __future__ import annotations

from bench.clock import Clock
from bench.devices import DisplayState
from bench.installation import DeviceSpec
from emulators.models.comms_hub import CommsHub
from emulators.models.device import EmulatedDevice


class InHomeDisplay(EmulatedDevice):
    """Shows what the hub passed on when they last spoke; without a link it says so."""

    __slots__ = ("_hub",)

    def __init__(self, spec: DeviceSpec, clock: Clock, hub: CommsHub) -> None:
        super().__init__(spec, clock)
        self._hub = hub

    def display_state(self) -> DisplayState:
        link = self.link
        if link is None or not link.joined:
            return DisplayState(None, ("not joined",))
        hub = self._hub.spec.eui64
        heard = link.last_heard(self.clock.now())
        if not link.up or heard is None:
            return DisplayState(hub, ("no connection",))
        shown: list[str] = []
        electricity = self._hub.electricity()
        if electricity is not None:
            meter, meter_link = electricity
            register = meter.register
            held = f"{register.value(heard)} {register.fuel.unit}" if meter_link.up else "-"
            shown.append(f"electricity {held}")
        gas = self._hub.gas()
        if gas is not None:
            meter, meter_link = gas
            copied = meter_link.copy_at(self.clock.now())
            register = meter.register
            held = "-" if copied is None else f"{register.value(copied)} {register.fuel.unit}"
            shown.append(f"gas {held}")
        return DisplayState(hub, tuple(shown))

    def reset_to_factory(self) -> None:
        """Leaves the HAN."""
        if self.link is not None:
            self.link.joined = False
            self.link.update(self.clock.now())
