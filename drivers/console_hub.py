"""The communications hub on its service console. The lines come from the device profile.

hub = connect("/dev/serial/by-id/usb-hub", profile="generic-console-hub")
hub.han_devices()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from bench.devices import HanDevice, HubDiagnostics, Identity, RegisterReading, Role, WanState
from bench.units import Micros
from drivers.at_modem import HubModem
from drivers.codecs.console import Answer
from drivers.console_identity import read_identity
from drivers.console_session import ConsoleNotice, ConsoleSession, understood
from drivers.profiles.console_values import ConsoleValues
from drivers.profiles.parts import console_part
from drivers.profiles.profile import Profile
from drivers.transport.pipe import Transport

T = TypeVar("T")


class ConsoleHub:
    """`bench.devices.CommsHub`.

    `modem`: the hub's modem on a port of its own; then it, not the hub, says whether the WAN is
    there. What the profile has no command for is `Refused` (`not-in-profile`).
    """

    def __init__(
        self, name: str, profile: Profile, transport: Transport, *, modem: HubModem | None = None
    ) -> None:
        console = console_part(profile, Role.COMMS_HUB)
        self.name = name
        self._profile = profile
        self._values = ConsoleValues(console)
        self._session = ConsoleSession(name, console, profile.timing, transport)
        self._modem = modem

    def identify(self) -> Identity:
        return read_identity(self._session, self._values, self.name, self._profile)

    def wan_state(self) -> WanState:
        answer = self._session.ask("wan_state", "wan-state")
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
        self._session.ask("wake", "wake", changes=True)

    def han_devices(self) -> tuple[HanDevice, ...]:
        answer = self._session.ask("han_devices", "han-devices")
        return self._understood(
            "han_devices", lambda: tuple(self._row(fields) for _, fields in answer.lines)
        )

    def permit_join(self, seconds: int) -> None:
        self._session.ask("permit_join", "permit-join", changes=True, seconds=str(seconds))

    def remove_device(self, eui64: str) -> None:
        self._session.ask("remove_device", "remove-device", changes=True, eui64=eui64)

    def reboot(self) -> None:
        self._session.ask("reboot", "reboot", changes=True)

    def diagnostics(self) -> HubDiagnostics:
        answer = self._session.ask("diagnostics", "diagnostics")
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
        answer = self._session.ask("mirrored_registers", "mirrored-registers", eui64=eui64)
        return self._understood("mirrored_registers", lambda: self._reading(eui64, answer))

    def notice(self, deadline: Micros) -> ConsoleNotice | None:
        """The oldest line the hub said unasked (`joined`, `left`, `started`), as the profile names
        it; None once `deadline` is reached.
        """
        return self._session.notice(deadline)

    def close(self) -> None:
        self._session.close()

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

    def _understood(self, operation: str, read: Callable[[], T]) -> T:
        return understood(self.name, operation, read)
