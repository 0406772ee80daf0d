"""Who a device on a console says it is, and whether the profile was written for it."""

from __future__ import annotations

from bench.devices import Identity
from drivers.console_session import ConsoleSession, understood
from drivers.profiles.console_values import ConsoleValues
from drivers.profiles.profile import Profile


def read_identity(
    session: ConsoleSession, values: ConsoleValues, name: str, profile: Profile
) -> Identity:
    """The role is the profile's: a console does not state it."""
    fields = session.ask("identify", "identify").fields
    return understood(
        name,
        "identify",
        lambda: Identity(
            profile.role,
            fields["serial_number"],
            values.read_eui64(fields["eui64"]),
            fields["manufacturer"],
            fields["model"],
            fields["firmware"],
        ),
    )
