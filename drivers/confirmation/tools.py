"""What the command line does with it: the entry point `confirmation`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.printable import printable
from bench.shipped import find
from bench.yaml_source import load
from drivers.confirmation.console import ConsoleCheck
from drivers.confirmation.kit import KitCheck
from drivers.confirmation.ledger import Ledger, Line, Standing
from drivers.confirmation.meter import MeterCheck
from drivers.identification.asking import AllowanceSpent, CountedTransport
from drivers.identification.opening import MakeDevice, opened
from drivers.profiles.profile import Profile, read_profile

_FRAMES_AT_MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Checked:
    """A profile as a device sees it. `sent`: frames."""

    file: str
    port: str
    lines: tuple[Line, ...]
    sent: int

    @property
    def contradicted(self) -> bool:
        return any(line.standing is Standing.CONTRADICTED for line in self.lines)

    @property
    def confirmed(self) -> bool:
        return any(line.standing is Standing.CONFIRMED for line in self.lines)


def check(file: str, port: str, make_device: MakeDevice) -> Checked:
    """Holds the profile against the device at `port`, read-only and without a credential.

    `emu:PROFILE` is an emulated device. `UsageError`: the profile is wrong by itself. `PortGone`,
    `Busy`.
    """
    line = read_profile(file).line.settings
    with opened(port, line, make_device) as transport:
        return hold_against(file, CountedTransport(transport, _FRAMES_AT_MOST))


def hold_against(file: str, transport: CountedTransport) -> Checked:
    """As `check`, on an open port."""
    profile = read_profile(file)
    path = find("devices", file)
    ledger = Ledger(load(path))
    _run(profile, transport, ledger)
    return Checked(str(path), transport.port, tuple(ledger.lines()), transport.sent)


def _run(profile: Profile, transport: CountedTransport, ledger: Ledger) -> None:
    try:
        if profile.dlms is not None:
            MeterCheck(profile, transport, ledger).run()
        elif profile.console is not None:
            ConsoleCheck(profile, transport, ledger).run()
        elif profile.modbus is not None:
            KitCheck(profile, profile.modbus, transport, ledger).run()
        else:
            ledger.skip(detail=f"only driver {profile.driver} knows how to ask")
    except AllowanceSpent:
        ledger.skip(detail=f"{transport.allowance} frames were sent, no more are allowed")


def report(checked: Checked) -> Iterator[str]:
    """A line for each value of the file, and how many of each kind."""
    for line in checked.lines:
        place = f"{checked.file}:{line.line}:{line.column}: {line.path}"
        yield printable(f"{place}: {line.standing}: {line.detail}")
    counted = Counter(line.standing for line in checked.lines)
    counts = ", ".join(f"{counted[standing]} {standing}" for standing in Standing)
    yield f"{counts}; {checked.sent} frames sent, no password and no key"


def as_json(checked: Checked) -> dict[str, object]:
    return {
        "file": checked.file,
        "port": checked.port,
        "lines": [
            {
                "line": line.line,
                "column": line.column,
                "path": line.path,
                "standing": str(line.standing),
                "detail": line.detail,
            }
            for line in checked.lines
        ],
        "sent": checked.sent,
    }
