"""Reads an installation from YAML and checks that it is one: its hub, its meters, their EUI-64s."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.devices import PaymentMode, Role
from bench.errors import Problem, UsageError
from bench.file_model import read
from bench.installation import DeviceSpec, Emulation, Installation
from bench.parties import Group
from bench.yaml_source import Document, load

_EUI64 = re.compile(r"[0-9A-F]{2}(-[0-9A-F]{2}){7}", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)
_ALLOWED = {
    Role.ELECTRICITY_METER: (1, 1),
    Role.GAS_METER: (0, 1),
    Role.COMMS_HUB: (1, 1),
    Role.IHD: (0, 1),
    Role.RELAY_BOARD: (0, 0),
    Role.REFERENCE_METER: (0, 0),
}


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """A device under its name; `emulation` is how its emulated form behaves."""

    role: Role
    serial_number: str
    eui64: str
    manufacturer: str
    model: str
    firmware: str
    emulation: Emulation = field(default_factory=Emulation)


@dataclass(frozen=True, slots=True)
class InstallationFile:
    """The form of an installation file."""

    installation: str
    group: Group
    suppliers: tuple[str, ...]
    devices: Mapping[str, DeviceEntry]
    about: str = ""
    payment: PaymentMode = PaymentMode.CREDIT


def read_installation(path: Path) -> Installation:
    """Raises `UsageError` with every complaint, each with file, line and column."""
    document = load(path)
    file = read(document, InstallationFile)
    problems = list(_problems(document, file))
    if problems:
        raise UsageError(problems)
    devices = tuple(
        DeviceSpec(
            name,
            entry.role,
            entry.serial_number,
            entry.eui64,
            entry.manufacturer,
            entry.model,
            entry.firmware,
            entry.emulation,
        )
        for name, entry in file.devices.items()
    )
    return Installation(file.installation, file.group, devices, file.suppliers, file.payment)


class Entry(Protocol):
    """A device as an installation lists it, in a file of its own or in a station file."""

    @property
    def role(self) -> Role: ...

    @property
    def eui64(self) -> str: ...

    @property
    def emulation(self) -> Emulation: ...


def _problems(document: Document, file: InstallationFile) -> Iterator[Problem]:
    if not 1 <= len(set(file.suppliers)) == len(file.suppliers) <= 2:
        expected = "expected one supplier, or two different ones (split supply)"
        yield document.problem(("suppliers",), f"{expected}, got {list(file.suppliers)}")
    yield from device_problems(document, ("devices",), file.devices)


def device_problems(
    document: Document, here: tuple[str, ...], devices: Mapping[str, Entry]
) -> Iterator[Problem]:
    """What is wrong with the devices of an installation, which stand at `here`."""
    for name, entry in devices.items():
        if not _NAME.fullmatch(name):
            message = f"expected a name of small letters, digits and hyphens, got '{name}'"
            yield document.problem((*here, name), message, at_key=True)
        if not _EUI64.fullmatch(entry.eui64):
            message = f"expected an EUI-64 such as 70-B3-D5-1F-30-00-A0-08, got '{entry.eui64}'"
            yield document.problem((*here, name, "eui64"), message)
        yield from _emulation_problems(document, (*here, name, "emulation"), entry.emulation)
    seen: dict[str, str] = {}
    for name, entry in devices.items():
        if entry.eui64 in seen:
            message = f"EUI-64 {entry.eui64} is already that of '{seen[entry.eui64]}'"
            yield document.problem((*here, name, "eui64"), message)
        seen.setdefault(entry.eui64, name)
    counts = Counter(entry.role for entry in devices.values())
    for role, (least, most) in _ALLOWED.items():
        if not least <= counts[role] <= most:
            wanted = str(least) if least == most else f"{least} or {most}"
            message = f"expected {wanted} device(s) of role {role}, got {counts[role]}"
            yield document.problem(here, message)


def _emulation_problems(
    document: Document, here: tuple[str, ...], how: Emulation
) -> Iterator[Problem]:
    """What no device can be: one that wakes all the time, or whose registers fall."""
    for key, value, least, expected in (
        ("wakes-every", how.wakes_every, 1, "a duration above 0"),
        ("awake-for", how.awake_for, 1, "a duration above 0"),
        ("reply-timeout", how.reply_timeout, 1, "a duration above 0"),
        ("lockout-after", how.lockout_after, 1, "a whole number from 1"),
        ("load-w", how.load_w, 0, "a whole number from 0"),
        ("first-register", how.first_register, 0, "a number from 0"),
    ):
        if value < least:
            path = (*here, key)
            yield document.problem(path, f"expected {expected}, got {document.got(path)}")
