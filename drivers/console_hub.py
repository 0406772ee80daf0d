"""The communications hub on its service console. The lines come from the device profile.

hub = connect("/dev/serial/by-id/usb-hub", profile="generic-console-hub")
hub.han_devices()
"""

from __future__ import annotations

from collections.abc import Mapping

from bench.clock import Clock
from bench.devices import HanDevice, HubDiagnostics, RegisterReading, Role, WanState
from drivers.at_modem import HubModem
from drivers.codecs.console import Answer
from drivers.console_device import ConsoleDevice
from drivers.opening import open_with
from drivers.profiles.profile import Profile
from drivers.transport.emulated import EmulatedPorts
from drivers.transport.pipe import Transport


class ConsoleHub(ConsoleDevice):
    """`bench.devices.CommsHub`.

    `modem`: the hub's modem on a port of its own; then it, not the hub, says whether the WAN is
    there.
    """

    role = Role.COMMS_HUB

    def __init__(
        self,
        name: str,
        profile: Profile,
        transport: Transport,
        *,
        eui64: str = "",
        modem: HubModem | None = None,
    ) -> None:
        super().__init__(name, profile, transport, eui64=eui64)
        self._modem = modem

    def wan_state(self) -> WanState:
        answer = self._ask("wan_state", "wan-state")
        values = self._values

        def state() -> WanState:
            word = values.read_word("wan", answer.fields["wan"])
            if word not in ("connected", "disconnected"):
                raise ValueError(f"expected connected or disconnected, got {word!r}")
            return WanState(word == "connected", int(answer.fields["wake_ups"]))

        said = self._understood("wan_state", state)
        if self._modem is None:
            return said
        return WanState(self._modem.connected("wan_state"), said.wake_ups)

    def wake(self) -> None:
        self._ask("wake", "wake", changes=True)

    def han_devices(self) -> tuple[HanDevice, ...]:
        answer = self._ask("han_devices", "han-devices")
        return self._understood(
            "han_devices", lambda: tuple(self._row(fields) for _, fields in answer.lines)
        )

    def permit_join(self, seconds: int) -> None:
        self._ask("permit_join", "permit-join", changes=True, seconds=str(seconds))

    def remove_device(self, eui64: str) -> None:
        self._ask("remove_device", "remove-device", changes=True, eui64=eui64)

    def reboot(self) -> None:
        self._ask("reboot", "reboot", changes=True)

    def diagnostics(self) -> HubDiagnostics:
        answer = self._ask("diagnostics", "diagnostics")
        fields = answer.fields
        return self._understood(
            "diagnostics",
            lambda: HubDiagnostics(
                int(fields["power_ups"]),
                self._values.read_span(fields["uptime"]),
                int(fields["last_gasps"]),
            ),
        )

    def mirrored_registers(self, eui64: str) -> RegisterReading:
        answer = self._ask("mirrored_registers", "mirrored-registers", eui64=eui64)
        return self._understood("mirrored_registers", lambda: self._reading(eui64, answer))

    def _row(self, fields: Mapping[str, str]) -> HanDevice:
        values = self._values
        word = values.read_word("joined", fields["joined"])
        if word not in ("joined", "not-joined"):
            raise ValueError(f"joined: got {word!r}")
        return HanDevice(
            values.read_eui64(fields["eui64"]),
            Role(values.read_word("role", fields["role"])),
            word == "joined",
            values.read_moment(fields["last_heard"]),
        )

    def _reading(self, eui64: str, answer: Answer) -> RegisterReading:
        values, fields = self._values, answer.fields
        if "eui64" in fields and values.read_eui64(fields["eui64"]) != values.read_eui64(eui64):
            raise ValueError(f"registers of {fields['eui64']}")
        source_at = values.read_moment(fields["source_at"])
        if source_at is None:
            raise ValueError("no time is given for the registers")
        rows = [line for _, line in answer.lines if "register" in line]
        units = {values.read_text(row["unit"]) for row in rows}
        if len(units) != 1:
            raise ValueError(f"expected registers of one unit, got {len(units)}")
        return RegisterReading(
            tuple((row["register"], values.read_number(row["value"])) for row in rows),
            units.pop(),
            source_at,
            self._session.clock.now(),
        )


def connect(
    port: str,
    *,
    profile: str | Profile = "generic-console-hub",
    name: str = "hub",
    clock: Clock | None = None,
    emulated: EmulatedPorts | None = None,
) -> ConsoleHub:
    """For the Python prompt: opens `port` with the profile's line settings. Asks nothing yet."""
    held, transport = open_with(profile, port, clock, emulated)
    return ConsoleHub(name, held, transport)
