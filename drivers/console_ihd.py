"""The in-home display on its service console. The lines come from the device profile.

display = connect("/dev/serial/by-id/usb-ihd", profile="generic-console-ihd")
display.display_state().shown
"""

from __future__ import annotations

from bench.clock import Clock
from bench.devices import DisplayState, Role
from drivers.console_device import ConsoleDevice
from drivers.opening import open_with
from drivers.profiles.profile import Profile
from drivers.transport.emulated import EmulatedPorts


class ConsoleDisplay(ConsoleDevice):
    """`bench.devices.InHomeDisplay`."""

    role = Role.IHD

    def display_state(self) -> DisplayState:
        answer = self._ask("display_state", "display-state")
        values = self._values
        return self._understood(
            "display_state",
            lambda: DisplayState(
                values.read_optional_eui64(answer.fields["joined_to"]),
                tuple(
                    values.read_text(line["shown"]) for _, line in answer.lines if "shown" in line
                ),
            ),
        )


def connect(
    port: str,
    *,
    profile: str | Profile = "generic-console-ihd",
    name: str = "display",
    clock: Clock | None = None,
    emulated: EmulatedPorts | None = None,
) -> ConsoleDisplay:
    """For the Python prompt: opens `port` with the profile's line settings. Asks nothing yet."""
    held, transport = open_with(profile, port, clock, emulated)
    return ConsoleDisplay(name, held, transport)
