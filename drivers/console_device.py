"""What every device on a service console has in common: who it is, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from bench.devices import Identity, Role
from bench.errors import Garbled, Refused, WrongDevice
from bench.units import Micros
from drivers.codecs.console import Answer
from drivers.console_session import ConsoleNotice, ConsoleSession
from drivers.profiles.console_values import ConsoleValues
from drivers.profiles.parts import console_part
from drivers.profiles.profile import OtherFirmware, Profile
from drivers.transport.pipe import Transport

T = TypeVar("T")


class ConsoleDevice:
    """Before anything else is asked the device says who it is, if there is something to check:
    the `eui64` that the station file gives it, or the firmware that the profile was written for.

    `other_firmware` is the firmware found if the profile was not written for it and says `mark`.
    What the profile has no command for is `Refused` (`not-in-profile`).
    """

    role: ClassVar[Role]

    def __init__(
        self, name: str, profile: Profile, transport: Transport, *, eui64: str = ""
    ) -> None:
        console = console_part(profile, self.role)
        self.name = name
        self.other_firmware = ""
        self._profile = profile
        self._eui64 = eui64
        self._values = ConsoleValues(console)
        self._session = ConsoleSession(name, console, profile.timing, transport)
        self._checks = bool(eui64 or profile.firmware)
        self._admitted_after: int | None = None  # losses of the port when it was last checked

    def identify(self) -> Identity:
        """`WrongDevice`: another EUI-64. `Refused` (`other-firmware`), if the profile says so."""
        fields = self._session.ask("identify", "identify").fields
        identity = self._understood(
            "identify",
            lambda: Identity(
                self.role,  # a console does not state it
                fields["serial_number"],
                self._values.read_eui64(fields["eui64"]),
                fields["manufacturer"],
                fields["model"],
                fields["firmware"],
            ),
        )
        if self._eui64 and identity.eui64 != self._eui64:
            detail = f"expected {self._eui64}, got {identity.eui64}"
            raise WrongDevice(self.name, "identify", detail)
        self._check_firmware(identity.firmware)
        self._admitted_after = self._session.losses
        return identity

    def notice(self, deadline: Micros) -> ConsoleNotice | None:
        """The oldest line the device said unasked, by its name in the profile; None once
        `deadline` is reached.
        """
        return self._session.notice(deadline)

    def close(self) -> None:
        self._session.close()

    def _ask(
        self, operation: str, command: str, *, changes: bool = False, **parameters: str
    ) -> Answer:
        if self._checks and self._admitted_after != self._session.losses:
            self.identify()  # also after the port was gone: who knows what is plugged in now
        return self._session.ask(operation, command, changes=changes, **parameters)

    def _understood(self, operation: str, read: Callable[[], T]) -> T:
        """What `read` makes of an answer; a ValueError of it is the device's: `Garbled`."""
        try:
            return read()
        except ValueError as error:
            raise Garbled(self.name, operation, str(error)) from None

    def _check_firmware(self, found: str) -> None:
        written_for = self._profile.firmware
        self.other_firmware = ""
        if not written_for or found in written_for:
            return
        if self._profile.other_firmware is OtherFirmware.REFUSE:
            detail = f"profile {self._profile.profile} is for {', '.join(written_for)}, got {found}"
            raise Refused(self.name, "identify", detail, code="other-firmware")
        self.other_firmware = found
