"""Each device of a station: its keys, its port, and whether who answers is who must."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.clock import Clock
from bench.devices import Identity, Role
from bench.doctor.finding import Condition, Finding
from bench.doctor.machine import Machine, permission
from bench.emulation import is_emulated
from bench.errors import (
    AuthenticationFailed,
    BenchError,
    Busy,
    Garbled,
    NoReply,
    PeerError,
    PortGone,
    Refused,
    UsageError,
    WrongDevice,
)
from bench.installation import DeviceSpec
from bench.installation_file import read_installation
from bench.plugins import DRIVERS, load
from bench.secret import Secret
from bench.secret_reference import read_secret
from bench.shipped import find, names
from bench.spelling import did_you_mean
from bench.station.form import Station, StationDevice
from bench.station.port import Reach

_SUA = "sua"


def devices(station: Station, machine: Machine, clock: Clock) -> Iterator[Finding]:
    """One finding for each device, and one more for each key that is not there."""
    installed = station.installation
    if installed is None:
        yield from _ports_only(station)
        return
    for spec in installed.as_installation(station.station, ()).devices:
        reached = installed.devices[spec.name].reached
        if reached.reach is not Reach.REAL:
            yield Finding(spec.name, Condition.OK, reached.reach.value)
            continue
        secrets: dict[str, Secret] | None = None
        if not reached.security.test_keys:
            secrets = {}
            yield from _keys(spec.name, reached, secrets)
        refused = list(permission(machine, spec.name, reached.port))
        yield from refused
        if not refused:
            yield _who_answers(spec, reached, secrets, clock)


def _ports_only(station: Station) -> Iterator[Finding]:
    """Which installation it is the scenario says: names are held against those that are shipped."""
    roles: dict[str, set[Role]] = {}
    for shipped in names("installations"):
        for spec in read_installation(find("installations", shipped)).devices:
            roles.setdefault(spec.name, set()).add(spec.role)
    for name, device in station.devices.items():
        role = _role_of(device.profile)
        if name not in roles:
            near = did_you_mean(name, roles) or f"; they have {', '.join(roles)}"
            detail = f"no shipped installation has a device of that name{near}"
            step = "mend the name, unless an installation of your own has it"
            yield Finding(name, Condition.ATTENTION, detail, step)
        elif role is not None and role not in roles[name]:
            expected = " or ".join(sorted(map(str, roles[name])))
            detail = f"expected a profile for {expected}, got one for {role}"
            yield Finding(name, Condition.FAULTY, detail, "name another profile, or another device")
        else:
            yield Finding(name, Condition.OK, device.reach.value)


def _role_of(profile: str) -> Role | None:
    if not profile:
        return None
    role: Role = load(DRIVERS, "lines").profile_role(find("devices", profile))
    return role


def _keys(name: str, reached: StationDevice, into: dict[str, Secret]) -> Iterator[Finding]:
    """Reads each key by its reference; what is found goes into `into` and nowhere else."""
    for field, reference in reached.security.references.items():
        try:
            found = read_secret(reference, label=f"{name}/{field}", beside=Path())
        except UsageError as error:
            step = error.hint or f"mend security: {field}: in the station file"
            yield Finding(name, Condition.FAULTY, str(error), step)
            continue
        if field != _SUA:  # of the meter alone: it opens no connection
            into[field] = found


def _who_answers(
    spec: DeviceSpec, reached: StationDevice, secrets: dict[str, Secret] | None, clock: Clock
) -> Finding:
    lines: Any = load(DRIVERS, "lines")
    name, port = spec.name, reached.port
    try:
        line = lines.real_line(spec, reached.profile, port, clock, secrets, lines.Between(), None)
    except (Busy, PortGone, BenchError, UsageError) as error:
        return at_the_port(name, error)
    try:
        return _compared(spec, reached, line.device.identify())
    except PeerError as error:
        return _no_identity(name, port, reached, error)
    except BenchError as error:
        return at_the_port(name, error)
    finally:
        line.close()


def at_the_port(name: str, error: BenchError | UsageError) -> Finding:
    """What a port that could not be opened, or went away, comes to."""
    if isinstance(error, Busy):
        step = error.hint or "stop whoever holds it, or wait"
        return Finding(name, Condition.BUSY, str(error), step)
    if isinstance(error, PortGone):
        step = error.hint or "is it plugged in? smets1-bench scan lists the adapters"
        return Finding(name, Condition.MISSING, str(error), step)
    return Finding(name, Condition.FAULTY, str(error), error.hint or "mend it and look again")


def _compared(spec: DeviceSpec, reached: StationDevice, said: Identity) -> Finding:
    wrong = [
        f"expected {what} {expected}, got {got}"
        for what, expected, got in (
            ("EUI-64", spec.eui64, said.eui64),
            ("model", spec.model, said.model),
            ("serial number", spec.serial_number, said.serial_number),
            ("manufacturer", spec.manufacturer, said.manufacturer),
            ("firmware", spec.firmware, said.firmware),
        )
        if expected and expected != got
    ]
    if reached.security.test_keys and not is_emulated(said):
        wrong.append("expected an emulated device, as it is given test keys")
    if wrong:
        return Finding(spec.name, Condition.WRONG_DEVICE, "; ".join(wrong), _LOOK)
    detail = f"{said.manufacturer} {said.model}, {said.eui64}, firmware {said.firmware}"
    return Finding(spec.name, Condition.OK, f"{detail}, at {reached.port}")


_LOOK = "look at what is plugged in where, or mend the station file"


def _no_identity(name: str, port: str, reached: StationDevice, error: PeerError) -> Finding:
    match error:
        case WrongDevice():
            return Finding(name, Condition.WRONG_DEVICE, error.detail, _LOOK)
        case NoReply():
            step = f"is it fed, and on that line? smets1-bench identify {port}"
            return Finding(name, Condition.MISSING, f"{port}: nobody answers", step)
        case Garbled():
            step = f"smets1-bench profile check {reached.profile} --port {port}"
            return Finding(name, Condition.FAULTY, f"{port}: {error.detail or error.says}", step)
        case AuthenticationFailed():
            step = (
                f"is it this meter? smets1-bench identify {port} asks without a key; if it is, "
                "mend its keys: each refusal counts towards its lockout"
            )
            return Finding(name, Condition.FAULTY, f"{port}: it refuses the reader's key", step)
        case Refused(code="no-key"):
            step = "name the reader's keys under security: to have it asked who it is"
            return Finding(name, Condition.NOT_CHECKED, f"{port}: {error.detail}", step)
        case _:
            step = f"smets1-bench profile check {reached.profile} --port {port}"
            return Finding(name, Condition.FAULTY, f"{port}: {error}", step)
