"""The `direct:` host: hands a model to its caller through the device interface, without bytes.

Reach and time are real (a device that is off, rebooting or asleep is not reached; an answer takes
the device's reaction time), the link is not: no checksum, baud rate or cut frame exists here.
What bytes alone can show, this host cannot (docs/emulators.md lists it).
"""

from __future__ import annotations

from bench.devices import (
    DisplayState,
    HanDevice,
    HubDiagnostics,
    Identity,
    KeySlot,
    KeyState,
    Payment,
    RegisterReading,
    SupplyState,
    WanState,
)
from bench.secret import Secret
from bench.units import Micros
from emulators.exchange import Channel
from emulators.models.comms_hub import CommsHub
from emulators.models.device import EmulatedDevice
from emulators.models.ihd import InHomeDisplay
from emulators.models.meter import Meter


def channel_to(model: EmulatedDevice) -> Channel:
    """The way to a device, with the name and time-out of its specification."""
    spec = model.spec
    return Channel(spec.name, model.clock, spec.emulation.reply_timeout, model)


class DirectMeter:
    """`bench.devices.ElectricityMeter` and `GasMeter` over a model."""

    __slots__ = ("_channel", "_model", "_takes")

    def __init__(self, model: Meter, channel: Channel) -> None:
        self._model = model
        self._channel = channel
        self._takes = model.spec.emulation.reaction

    def identify(self) -> Identity:
        return self._channel.ask("identify", self._model.identity, self._takes)

    def read_clock(self) -> Micros:
        return self._channel.ask("read_clock", self._model.read_clock, self._takes)

    def set_clock(self, to: Micros) -> None:
        self._channel.ask("set_clock", lambda: self._model.set_clock(to), self._takes)

    def read_registers(self) -> RegisterReading:
        return self._channel.ask("read_registers", self._model.read_registers, self._takes)

    def supply_state(self) -> SupplyState:
        return self._channel.ask("supply_state", self._model.supply_state, self._takes)

    def read_payment(self) -> Payment:
        return self._channel.ask("read_payment", self._model.read_payment, self._takes)

    def key_state(self, slot: KeySlot) -> KeyState:
        return self._channel.ask("key_state", lambda: self._model.key_state(slot), self._takes)

    def prove_key(self, slot: KeySlot, key: Secret) -> bool:
        return self._channel.ask("prove_key", lambda: self._model.prove_key(slot, key), self._takes)

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        self._channel.ask(
            "rotate_key", lambda: self._model.rotate_key(slot, new, counter), self._takes
        )


class DirectHub:
    """`bench.devices.CommsHub` over a model."""

    __slots__ = ("_channel", "_model", "_takes")

    def __init__(self, model: CommsHub, channel: Channel) -> None:
        self._model = model
        self._channel = channel
        self._takes = model.spec.emulation.reaction

    def identify(self) -> Identity:
        return self._channel.ask("identify", self._model.identity, self._takes)

    def wan_state(self) -> WanState:
        return self._channel.ask("wan_state", self._model.wan_state, self._takes)

    def wake(self) -> None:
        self._channel.ask("wake", self._model.wake, self._takes)

    def han_devices(self) -> tuple[HanDevice, ...]:
        return self._channel.ask("han_devices", self._model.han_devices, self._takes)

    def permit_join(self, seconds: int) -> None:
        self._channel.ask("permit_join", lambda: self._model.permit_join(seconds), self._takes)

    def remove_device(self, eui64: str) -> None:
        self._channel.ask("remove_device", lambda: self._model.remove_device(eui64), self._takes)

    def reboot(self) -> None:
        self._channel.ask("reboot", self._model.reboot, self._takes)

    def diagnostics(self) -> HubDiagnostics:
        return self._channel.ask("diagnostics", self._model.diagnostics, self._takes)

    def mirrored_registers(self, eui64: str) -> RegisterReading:
        return self._channel.ask(
            "mirrored_registers", lambda: self._model.mirrored_registers(eui64), self._takes
        )


class DirectDisplay:
    """`bench.devices.InHomeDisplay` over a model."""

    __slots__ = ("_channel", "_model", "_takes")

    def __init__(self, model: InHomeDisplay, channel: Channel) -> None:
        self._model = model
        self._channel = channel
        self._takes = model.spec.emulation.reaction

    def identify(self) -> Identity:
        return self._channel.ask("identify", self._model.identity, self._takes)

    def display_state(self) -> DisplayState:
        return self._channel.ask("display_state", self._model.display_state, self._takes)
