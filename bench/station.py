"""A station: what is specific to one bench, never test flow and never secrets.

This version knows emulated stations: each device is handed over as a model (`direct:`) or driven
through its driver and a serial line in memory (`emu:`). The same driver drives real kit; stations
with real ports are not part of this version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bench.errors import Problem, UsageError
from bench.file_model import read
from bench.shipped import find
from bench.yaml_source import Document, load


class Port(StrEnum):
    """What is between the bench and a device."""

    DIRECT = "direct:"
    MEMORY = "emu:"


@dataclass(frozen=True, slots=True)
class StationDevice:
    """How a device is reached; `profile` names its device profile (not for `direct:`)."""

    port: Port
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Station:
    """The form of a station file. A device it does not name is reached `direct:`."""

    station: str
    about: str = ""
    devices: Mapping[str, StationDevice] = field(default_factory=dict)


DIRECT = Station("emulated (direct)")
"""The station without a file."""


def read_station(path: Path) -> Station:
    """Raises `UsageError` with every complaint, each with file, line and column."""
    document = load(path)
    station = read(document, Station)
    problems = [
        problem
        for name, device in station.devices.items()
        if (problem := _problem(document, path, name, device)) is not None
    ]
    if problems:
        raise UsageError(problems)
    return station


def _problem(document: Document, path: Path, name: str, device: StationDevice) -> Problem | None:
    here = ("devices", name)
    if device.port is Port.DIRECT:
        return None
    if not device.profile:
        return document.problem(here, f"a device on {device.port} needs a profile")
    try:
        exists = find("devices", device.profile, beside=path.parent).exists()
    except UsageError as error:
        return document.problem((*here, "profile"), str(error))
    if not exists:
        return document.problem((*here, "profile"), f"no such file: '{device.profile}'")
    return None
