"""From a role or a station file to a plan of what to host, and where.

The same station file serves both sides: where `run` opens `/path` or `socket://host:port`, the
hosted device stands behind a symlink of that path, or listens on that port.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.devices import Role
from bench.errors import UsageError
from bench.hosting import Hosted, HostingPlan, Place, PtyPlace, TcpPlace
from bench.installation import Installation, with_deviants
from bench.installation_file import read_installation
from bench.plugins import EMULATORS, load
from bench.shipped import find, names
from bench.spelling import did_you_mean
from bench.station import Reach, Station, read_station
from bench.station.port import VIA_HUB, reach_of

PROFILES: Final[Mapping[Role, str]] = {
    Role.ELECTRICITY_METER: "generic-dlms-electricity",
    Role.GAS_METER: "generic-dlms-gas",
    Role.COMMS_HUB: "generic-console-hub",
    Role.IHD: "generic-console-ihd",
    Role.RELAY_BOARD: "generic-modbus-relay-board",
    Role.REFERENCE_METER: "generic-modbus-reference-meter",
}
"""Of a role without a `--profile`."""

_PORT: Final = "expected pty: or tcp:127.0.0.1:PORT (0: a free one)"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says. `port`: empty where it says nothing.

    `folder`: where symlinks go that nobody named; asked only if there is one. `remote`: ports may
    be on other addresses than loopback.
    """

    port: str
    link: Path | None
    profile: str
    installation: str
    remote: bool
    awake: bool
    folder: Callable[[], Path]


def plan_of(what: str, wanted: Wanted) -> HostingPlan:
    """`what` is a role, a shipped station or a station file. `UsageError` says what it is not."""
    if what in {str(role) for role in Role}:
        return _of_role(Role(what), wanted)
    is_file = what.endswith((".yaml", ".yml")) or "/" in what
    if not is_file and what not in names("stations"):
        known = [*Role, *names("stations")]
        near = did_you_mean(what, known) or f"; known: {', '.join(known)}"
        raise UsageError(
            f"expected a role or a station, got '{what}'{near}",
            hint="a station file's name ends in .yaml",
        )
    return _of_station(read_station(find("stations", what)), wanted)


def with_deviants_of(plan: HostingPlan, said: Sequence[str]) -> HostingPlan:
    """The plan with `NAME[@DEVICE]` in the place of devices. `UsageError` with every complaint."""
    by_name = {spec.name: spec for spec in plan.installation.devices}
    hosted = [each.name for each in plan.hosted if each.name in by_name]
    deviants: dict[str, str] = {}
    problems = []
    for text in said:
        name, at, device = text.partition("@")
        device = device if at or len(hosted) != 1 else hosted[0]
        if device not in hosted:
            near = did_you_mean(device, hosted) or f"; hosted: {', '.join(hosted)}"
            problems.append(f"--deviant {text}: expected NAME@DEVICE, got '{device}'{near}")
        else:
            problem = load(EMULATORS, "deviant-problem")(name, by_name[device])
            problems += [f"--deviant {text}: {problem}"] if problem else []
            deviants[device] = name
    if problems:
        raise UsageError(problems)
    return replace(plan, installation=with_deviants(plan.installation, deviants))


def _of_role(role: Role, wanted: Wanted) -> HostingPlan:
    installation = _installation(wanted)
    feeds = {
        spec.name: channel
        for channel, spec in enumerate(
            (spec for spec in installation.devices if spec.role is not Role.GAS_METER), 1
        )
    }
    electricity = installation.with_role(Role.ELECTRICITY_METER)[0].name
    name = str(role)
    if role in (Role.RELAY_BOARD, Role.REFERENCE_METER):
        measures = electricity if role is Role.REFERENCE_METER else ""
    else:
        feeds, measures = {}, ""
        found = installation.with_role(role)
        if not found:
            raise UsageError(f"{installation.name} has no {role}: name another --installation")
        name = found[0].name
    place = _place(wanted, wanted.link or _new_link(wanted, str(role)))
    hosted = Hosted(name, role, wanted.profile or PROFILES[role], place)
    return HostingPlan(installation, (hosted,), feeds=feeds, measures=measures)


def _of_station(station: Station, wanted: Wanted) -> HostingPlan:
    if wanted.profile:
        raise UsageError("--profile is for a role: a station names the profile of each device")
    if wanted.link is not None and not wanted.link.is_dir():
        raise UsageError(f"--link {wanted.link}: for a station expected an existing folder")
    installation = (
        _awake(station.installation.as_installation(station.station, ()), wanted)
        if station.installation is not None
        else with_deviants(_installation(wanted), station.deviants)
    )
    hosted: list[Hosted] = []
    for spec in installation.devices:
        reached = station.reached(spec.name)
        if reached.port != VIA_HUB:
            profile = reached.profile or PROFILES[spec.role]
            place = _station_place(wanted, spec.name, reached.port)
            hosted.append(Hosted(spec.name, spec.role, profile, place))
    board, meter = station.kit.relay_board, station.kit.reference_meter
    feeds: Mapping[str, int] = {}
    if board is not None:
        feeds = board.feeds
        place = _station_place(wanted, "relay-board", board.port)
        hosted.append(Hosted("relay-board", Role.RELAY_BOARD, board.profile, place))
    if meter is not None:
        place = _station_place(wanted, "reference-meter", meter.port)
        hosted.append(Hosted("reference-meter", Role.REFERENCE_METER, meter.profile, place))
        feeds = feeds or {meter.measures: 1}
    measures = meter.measures if meter is not None else ""
    return HostingPlan(installation, tuple(hosted), feeds=feeds, measures=measures)


def _installation(wanted: Wanted) -> Installation:
    return _awake(read_installation(find("installations", wanted.installation)), wanted)


def _awake(installation: Installation, wanted: Wanted) -> Installation:
    """With `--awake` a gas meter listens all the time."""
    if not wanted.awake:
        return installation
    devices = tuple(
        replace(spec, emulation=replace(spec.emulation, awake_for=spec.emulation.wakes_every))
        for spec in installation.devices
    )
    return replace(installation, devices=devices)


def _station_place(wanted: Wanted, name: str, port: str) -> Place:
    """Where the station says, unless the command line says otherwise."""
    if wanted.port or reach_of(port) is not Reach.REAL:
        folder = wanted.link
        return _place(wanted, folder / name if folder is not None else _new_link(wanted, name))
    if port.startswith("socket://"):
        return _tcp(port.removeprefix("socket://"), port, wanted)
    path = Path(port)
    if not path.is_absolute() or path.parts[:2] == ("/", "dev"):
        raise UsageError(
            f"{name}: nothing can be hosted at {port}: expected a path outside /dev or "
            "socket://127.0.0.1:PORT",
            hint="--port pty: or --port tcp:127.0.0.1:0 hosts every device elsewhere",
        )
    return PtyPlace(path)


def _place(wanted: Wanted, link: Path | Callable[[], Path]) -> Place:
    port = wanted.port or "pty:"
    if port == "pty:":
        return PtyPlace(link if isinstance(link, Path) else link())
    if not port.startswith("tcp:"):
        raise UsageError(f"--port: {_PORT}, got '{port}'{did_you_mean(port, ('pty:', 'tcp:'))}")
    if wanted.link is not None:
        raise UsageError("--link is for a pty, and --port says tcp:")
    return _tcp(port.removeprefix("tcp:"), port, wanted)


def _new_link(wanted: Wanted, name: str) -> Callable[[], Path]:
    return lambda: wanted.folder() / name


def _tcp(text: str, said: str, wanted: Wanted) -> TcpPlace:
    host, _, number = text.rpartition(":")
    if not host or not (number.isascii() and number.isdigit()) or int(number[:6]) > 65_535:
        raise UsageError(f"--port: {_PORT}, got '{said}'")
    try:
        loopback = host == "localhost" or ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        raise UsageError(f"{said}: expected an IPv4 address or localhost, got '{host}'") from None
    if not loopback and not wanted.remote:
        raise UsageError(
            f"{said}: whoever reaches {host} could use the emulated devices",
            hint="use 127.0.0.1, or add --allow-remote if that is meant",
        )
    return TcpPlace(host, int(number))
