"""Reads a station file; all complaints at once, each with file, line and column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from bench.devices import Role
from bench.errors import Problem, UsageError
from bench.file_model import read
from bench.installation_file import device_problems
from bench.plugins import DRIVERS, EMULATORS, load
from bench.secret_reference import reference_problem
from bench.shipped import find
from bench.spelling import did_you_mean
from bench.station.form import (
    ClockSource,
    InstalledDevice,
    ReferenceMeterEntry,
    RelayBoardEntry,
    Security,
    Station,
    StationDevice,
)
from bench.station.port import LABGRID, VIA_HUB, Reach, port_problem, reach_of
from bench.yaml_source import Document
from bench.yaml_source import load as load_document

Place = tuple[str, ...]
FILE_REFERENCE = "file:"

_KitEntry = TypeVar("_KitEntry", RelayBoardEntry, ReferenceMeterEntry)


def read_station(path: Path) -> Station:
    """Paths in it are taken from its own folder. Opens no port and no key.

    Raises `UsageError` with every complaint.
    """
    document = load_document(path)
    station = read(document, Station)
    problems: list[Problem] = list(_Checks(document, path.parent, station).problems())
    if problems:
        problems.sort(key=lambda each: (each.file != str(path), each.line, each.column))
        raise UsageError(
            problems,
            hint="docs/stations.md describes the form",
        )
    return _anchored(station, path.parent)


class _Checks:
    def __init__(self, document: Document, folder: Path, station: Station) -> None:
        self._document = document
        self._folder = folder
        self._station = station
        self._profiles: dict[Path, Role | None] = {}  # None: it is faulty

    def problems(self) -> Iterator[Problem]:
        station = self._station
        yield from self._clock_problems()
        for name, device in station.devices.items():
            yield from self._simple_problems(("devices", name), device)
        installed = station.installation
        if installed is not None:
            here = ("installation", "devices")
            if len(set(installed.suppliers)) != len(installed.suppliers) or (
                len(installed.suppliers) > 2
            ):
                message = "expected one supplier, two different ones (split supply), or none"
                yield self._problem(
                    ("installation", "suppliers"), f"{message}, got {list(installed.suppliers)}"
                )
            yield from device_problems(self._document, here, installed.devices)
            for name, entry in installed.devices.items():
                yield from self._installed_problems((*here, name), entry)
            if station.devices:
                message = "expected devices here or under installation, got both"
                yield self._problem(("devices",), message, at_key=True)
        yield from self._kit_problems()
        yield from self._labgrid_problems()
        yield from self._shared_port_problems()
        yield from self._limit_problems()

    def _clock_problems(self) -> Iterator[Problem]:
        if self._station.clock is ClockSource.VIRTUAL and self._station.real:
            message = "a port outside this program needs the wall clock: expected wall, got virtual"
            yield self._problem(("clock",), message)

    def _simple_problems(self, here: Place, device: StationDevice) -> Iterator[Problem]:
        yield from self._port_problems(here, device.port, device.profile, None)
        if device.reach in (Reach.REAL, Reach.VIA_HUB) and not port_problem(device.port):
            message = (
                f"a device on {device.port} needs the identity expected of it: "
                "put it under installation.devices"
            )
            yield self._problem((*here, "port"), message)
        yield from self._security_problems((*here, "security"), device.security, device.reach)
        known = load(EMULATORS, "deviants")
        if device.deviant and device.deviant not in known:
            near = did_you_mean(device.deviant, known) or "; smets1-bench list deviants names them"
            message = f"no deviant is called '{device.deviant}'{near}"
            yield self._problem((*here, "deviant"), message)

    def _installed_problems(self, here: Place, entry: InstalledDevice) -> Iterator[Problem]:
        yield from self._port_problems(here, entry.port, entry.profile, entry.role)
        yield from self._security_problems(
            (*here, "security"), entry.security, reach_of(entry.port)
        )
        if entry.port == VIA_HUB and entry.role is not Role.GAS_METER:
            message = (
                f"the hub mirrors gas meters only: expected another port for role {entry.role}"
            )
            yield self._problem((*here, "port"), message)

    def _port_problems(
        self, here: Place, port: str, profile: str, role: Role | None
    ) -> Iterator[Problem]:
        wrong = port_problem(port)
        if wrong:
            yield self._problem((*here, "port"), wrong)
        reach = reach_of(port)
        if wrong or reach in (Reach.DIRECT, Reach.VIA_HUB):
            return
        if not profile:
            yield self._problem(here, f"a device on {port} needs a profile")
            return
        yield from self._profile_problems((*here, "profile"), profile, role)

    def _profile_problems(self, here: Place, profile: str, role: Role | None) -> Iterator[Problem]:
        """A profile's own complaints stand with their own places, each profile's once."""
        try:
            path = find("devices", profile, beside=self._folder)
        except UsageError as error:
            yield self._problem(here, str(error))
            return
        if not path.exists():
            yield self._problem(here, f"no such file: '{profile}'")
            return
        if path not in self._profiles:
            try:
                self._profiles[path] = load(DRIVERS, "lines").profile_role(path)
            except UsageError as error:
                self._profiles[path] = None
                yield from (each for each in error.problems if isinstance(each, Problem))
        is_for = self._profiles[path]
        if role is not None and is_for is not None and is_for is not role:
            yield self._problem(
                here, f"expected a profile of role {role}, got one of role {is_for}"
            )

    def _security_problems(self, here: Place, given: Security, reach: Reach) -> Iterator[Problem]:
        for name, reference in given.references.items():
            wrong = reference_problem(reference)
            if wrong:
                yield self._problem((*here, name), wrong)
        if given.test_keys and given.references:
            message = "expected test-keys alone, or references to keys, got both"
            yield self._problem((*here, "test-keys"), message, at_key=True)
        if (given.references or given.test_keys) and reach is not Reach.REAL:
            message = "keys are shared with devices on real ports only: expected no security"
            yield self._problem(here, message, at_key=True)

    def _kit_problems(self) -> Iterator[Problem]:
        board, meter = self._station.kit.relay_board, self._station.kit.reference_meter
        fed: dict[int, str] = {}
        if board is not None:
            here = ("kit", "relay-board")
            yield from self._kit_port_problems(here, board.port, board.profile, Role.RELAY_BOARD)
            for name, channel in board.feeds.items():
                yield from self._device_problem((*here, "feeds", name), name, at_key=True)
                if self._is_gas_meter(name):
                    message = "a gas meter has a battery: expected no channel that feeds it"
                    yield self._problem((*here, "feeds", name), message, at_key=True)
                if channel < 1:
                    message = f"expected a channel from 1, got {channel}"
                    yield self._problem((*here, "feeds", name), message)
                elif channel in fed:
                    message = f"channel {channel} feeds '{fed[channel]}' already"
                    yield self._problem((*here, "feeds", name), message)
                fed.setdefault(channel, name)
        if meter is not None:
            here = ("kit", "reference-meter")
            role = Role.REFERENCE_METER
            yield from self._kit_port_problems(here, meter.port, meter.profile, role)
            yield from self._device_problem((*here, "measures"), meter.measures)
            if meter.calibration is not None and not 0 < meter.calibration.uncertainty < 1:
                path = (*here, "calibration", "uncertainty")
                message = "expected a share of the reading such as 0.002"
                yield self._problem(path, f"{message}, got {self._document.got(path)}")

    def _labgrid_problems(self) -> Iterator[Problem]:
        place, board = self._station.labgrid, self._station.kit.relay_board
        if place is None:
            for here, port in self._ports():
                if port.startswith(LABGRID):
                    message = f"{port} needs the place it is of: labgrid: {{place, coordinator}}"
                    yield self._problem(here, message)
            return
        if not place.place or place.place.startswith("+") or set(place.place) & set(" /\n"):
            message = "expected the name of a place, without spaces and slashes"
            yield self._problem(("labgrid", "place"), f"{message}, got '{place.place}'")
        host, _, number = place.coordinator.rpartition(":")
        if not host or not number.isascii() or not number.isdigit() or int(number[:6]) > 65_535:
            message = "expected host:port of labgrid's coordinator"
            yield self._problem(("labgrid", "coordinator"), f"{message}, got '{place.coordinator}'")
        if place.feeds and board is not None:
            message = "expected labgrid's power or a relay board, got both"
            yield self._problem(("labgrid", "feeds"), message, at_key=True)
        for name in place.feeds:
            yield from self._device_problem(("labgrid", "feeds", name), name, at_key=True)
            if self._is_gas_meter(name):
                message = "a gas meter has a battery: expected nothing that feeds it"
                yield self._problem(("labgrid", "feeds", name), message, at_key=True)

    def _ports(self) -> Iterator[tuple[Place, str]]:
        """Every port of the file and its place there."""
        for name, device in self._station.devices.items():
            yield ("devices", name, "port"), device.port
        installed = self._station.installation
        for name, entry in (installed.devices if installed is not None else {}).items():
            yield ("installation", "devices", name, "port"), entry.port
        kit = self._station.kit
        for key, each in (
            ("relay-board", kit.relay_board),
            ("reference-meter", kit.reference_meter),
        ):
            if each is not None:
                yield ("kit", key, "port"), each.port

    def _is_gas_meter(self, name: str) -> bool:
        installed = self._station.installation
        entry = installed.devices.get(name) if installed is not None else None
        return entry is not None and entry.role is Role.GAS_METER

    def _kit_port_problems(
        self, here: Place, port: str, profile: str, role: Role
    ) -> Iterator[Problem]:
        if reach_of(port) is not Reach.REAL:
            message = "bench kit is on a port outside this program: expected one, got"
            yield self._problem((*here, "port"), f"{message} '{port}'")
            return
        yield from self._port_problems(here, port, profile, role)

    def _device_problem(self, here: Place, name: str, *, at_key: bool = False) -> Iterator[Problem]:
        installed = self._station.installation
        known = installed.devices if installed is not None else self._station.devices
        if name not in known:
            near = did_you_mean(name, known) or f"; known: {', '.join(known) or 'none'}"
            yield self._problem(
                here, f"expected a device of the station, got '{name}'{near}", at_key=at_key
            )

    def _shared_port_problems(self) -> Iterator[Problem]:
        """Two devices on one port; relay board and reference meter may share a bus."""
        taken: dict[str, str] = {}
        installed = self._station.installation
        kit = self._station.kit
        for name, entry in (installed.devices if installed is not None else {}).items():
            if reach_of(entry.port) is not Reach.REAL:
                continue
            if entry.port in taken:
                message = f"'{taken[entry.port]}' is on that port already"
                yield self._problem(("installation", "devices", name, "port"), message)
            taken.setdefault(entry.port, name)
        for key, each in (
            ("relay-board", kit.relay_board),
            ("reference-meter", kit.reference_meter),
        ):
            if each is not None and each.port in taken:
                message = f"'{taken[each.port]}' is on that port already"
                yield self._problem(("kit", key, "port"), message)

    def _limit_problems(self) -> Iterator[Problem]:
        limits = self._station.limits
        if limits.scenario_time is not None and limits.scenario_time <= 0:
            message = "expected a duration above 0"
            yield self._problem(("limits", "scenario-time"), message)
        if limits.wake_ups is not None and limits.wake_ups < 0:
            message = f"expected a whole number from 0, got {limits.wake_ups}"
            yield self._problem(("limits", "wake-ups"), message)
        budgets = self._station.budgets
        if budgets.wake_ups is not None and budgets.wake_ups < 1:
            message = f"expected a whole number from 1, got {budgets.wake_ups}"
            yield self._problem(("budgets", "wake-ups"), message)
        if budgets.wrong_keys < 1:
            message = f"expected a whole number from 1, got {budgets.wrong_keys}"
            yield self._problem(("budgets", "wrong-keys"), message)

    def _problem(self, here: Place, message: str, *, at_key: bool = False) -> Problem:
        return self._document.problem(here, message, at_key=at_key)


def _anchored(station: Station, folder: Path) -> Station:
    """With paths that hold wherever the bench is started from."""
    installed = station.installation
    if installed is not None:
        entries = {
            name: replace(
                entry,
                port=_port(entry.port, folder),
                profile=_profile(entry.profile, folder),
                security=_security(entry.security, folder),
            )
            for name, entry in installed.devices.items()
        }
        installed = replace(installed, devices=entries)
    devices: Mapping[str, StationDevice] = {
        name: replace(device, profile=_profile(device.profile, folder))
        for name, device in station.devices.items()
    }
    board, meter = station.kit.relay_board, station.kit.reference_meter
    kit = replace(
        station.kit,
        relay_board=board and _anchored_kit(board, folder),
        reference_meter=meter and _anchored_kit(meter, folder),
    )
    return replace(station, devices=devices, installation=installed, kit=kit)


def _anchored_kit(entry: _KitEntry, folder: Path) -> _KitEntry:
    return replace(entry, port=_port(entry.port, folder), profile=_profile(entry.profile, folder))


def _port(given: str, folder: Path) -> str:
    """Only what is written as a relative path is one; `COM3` and `socket://…` stay."""
    return str((folder / given).absolute()) if given.startswith(("./", "../")) else given


def _profile(given: str, folder: Path) -> str:
    """A shipped one keeps its name."""
    is_path = given.endswith((".yaml", ".yml")) or "/" in given
    return str((folder / given).absolute()) if is_path else given


def _security(given: Security, folder: Path) -> Security:
    anchored = {
        name: FILE_REFERENCE + str((folder / said.removeprefix(FILE_REFERENCE)).absolute())
        for name, said in given.references.items()
        if said.startswith(FILE_REFERENCE)
    }
    return replace(given, **anchored)  # type: ignore[arg-type]
