"""A device profile: one model of kit on its port, as data that drivers and emulators share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import entry_points

from bench.devices import Role
from bench.errors import Problem, UsageError
from bench.file_model import read
from bench.plugins import DRIVERS
from bench.shipped import find
from bench.spelling import did_you_mean
from bench.units import MILLISECOND, SECOND, Micros
from bench.yaml_source import Document, load
from drivers.profiles import console, dlms, modbus
from drivers.profiles.console import ConsoleProfile
from drivers.profiles.dlms import DlmsProfile
from drivers.profiles.line_conditions import LineCondition
from drivers.profiles.modbus import ModbusProfile
from drivers.transport.line import LineSettings, Parity


class OtherFirmware(StrEnum):
    """What becomes of a device whose firmware the profile was not written for."""

    REFUSE = "refuse"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class LineProfile:
    baud: int = 9600
    data_bits: int = 8
    parity: Parity = Parity.NONE
    stop_bits: int = 1

    @property
    def settings(self) -> LineSettings:
        """ValueError: no UART has such settings."""
        return LineSettings(self.baud, self.data_bits, self.parity, self.stop_bits)


@dataclass(frozen=True, slots=True)
class TimingProfile:
    """`reply_timeout`: how long a driver waits for an answer. `reaction`: from the end of a request
    to the start of the answer, for the emulated form. `quiet`: how long the line must be silent
    after a time-out; longer than the slowest answer.
    """

    reply_timeout: Micros = 10 * SECOND
    reaction: Micros = 50 * MILLISECOND
    quiet: Micros = 12 * SECOND


@dataclass(frozen=True, slots=True)
class Profile:
    """Exactly one protocol part, or a `driver`. No `firmware`: written for any.

    `driver`: one that another package brings (docs/third-party-driver.md), by the name of its entry
    point. `cannot`: over a line in this condition the driver may return what is not true, and why
    nothing can be done about it.
    """

    profile: str
    about: str
    role: Role
    firmware: tuple[str, ...] = ()
    other_firmware: OtherFirmware = OtherFirmware.REFUSE
    line: LineProfile = LineProfile()
    timing: TimingProfile = TimingProfile()
    cannot: Mapping[LineCondition, str] = field(default_factory=dict)
    dlms: DlmsProfile | None = None
    console: ConsoleProfile | None = None
    modbus: ModbusProfile | None = None
    driver: str = ""


def read_profile(given: str) -> Profile:
    """A shipped profile by name, or a file. Raises `UsageError` with every complaint."""
    document = load(find("devices", given))
    profile = read(document, Profile)
    problems = list(_problems(document, profile))
    if problems:
        raise UsageError(problems)
    return profile


def _problems(document: Document, profile: Profile) -> Iterator[Problem]:
    try:
        _ = profile.line.settings
    except ValueError as error:
        yield document.problem(("line",), str(error))
    for condition, reason in profile.cannot.items():
        if not reason.strip():
            yield document.problem(("cannot", str(condition)), "expected why it cannot")
    parts = [name for name in ("dlms", "console", "modbus") if getattr(profile, name) is not None]
    if profile.driver:
        parts.append("driver")
        if not entry_points(group=DRIVERS, name=profile.driver):
            known = (point.name for point in entry_points(group=DRIVERS))
            message = f"no driver is installed under the name '{profile.driver}'"
            yield document.problem(("driver",), message + did_you_mean(profile.driver, known))
    if len(parts) != 1:
        got = ", ".join(parts) or "none"
        yield document.problem((), f"expected dlms, console, modbus or driver, got {got}")
    if profile.dlms is not None:
        for place, message in dlms.complaints(profile.dlms, profile.role):
            yield document.problem(("dlms", *place), message)
    if profile.console is not None:
        for place, message in console.complaints(profile.console, profile.role):
            yield document.problem(("console", *place), message)
    if profile.modbus is not None:
        for place, message in modbus.complaints(profile.modbus, profile.role):
            yield document.problem(("modbus", *place), message)
