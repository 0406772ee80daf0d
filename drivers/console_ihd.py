"""The in-home display on its service console. The lines come from the device profile."""

from __future__ import annotations

from bench.devices import DisplayState, Identity, Role
from bench.units import Micros
from drivers.console_identity import read_identity
from drivers.console_session import ConsoleNotice, ConsoleSession, understood
from drivers.profiles.console_values import ConsoleValues
from drivers.profiles.parts import console_part
from drivers.profiles.profile import Profile
from drivers.transport.pipe import Transport


class ConsoleDisplay:
    """`bench.devices.InHomeDisplay`."""

    def __init__(self, name: str, profile: Profile, transport: Transport) -> None:
        console = console_part(profile, Role.IHD)
        self.name = name
        self._profile = profile
        self._values = ConsoleValues(console)
        self._session = ConsoleSession(name, console, profile.timing, transport)

    def identify(self) -> Identity:
        return read_identity(self._session, self._values, self.name, self._profile)

    def display_state(self) -> DisplayState:
        answer = self._session.ask("display_state", "display-state")
        values = self._values
        return understood(
            self.name,
            "display_state",
            lambda: DisplayState(
                values.read_optional_eui64(answer.fields["joined_to"]),
                tuple(
                    values.read_text(line["shown"]) for _, line in answer.lines if "shown" in line
                ),
            ),
        )

    def notice(self, deadline: Micros) -> ConsoleNotice | None:
        """The oldest line the display said unasked, or None once `deadline` is reached."""
        return self._session.notice(deadline)

    def close(self) -> None:
        self._session.close()
