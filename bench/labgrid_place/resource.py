"""What a place has, and the port of ours that leads to a serial resource of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from bench.errors import BenchError

_SERIAL: Final = "NetworkSerialPort"
"""Whatever an exporter has: it offers its serial adapters to others as such."""

_SCHEMES: Final = {"rfc2217": "rfc2217", "raw": "socket"}


@dataclass(frozen=True, slots=True)
class Resource:
    """`cls` is labgrid's class, `said` what the exporter told of it."""

    name: str
    cls: str
    said: Mapping[str, Any]


def resources_in(environment: str) -> tuple[Resource, ...]:
    """Those in what `labgrid-client env` prints. Raises ValueError: it is none of that."""
    try:
        (target,) = yaml.safe_load(environment)["targets"].values()
        found = []
        for entry in target.get("resources") or ():
            ((cls, said),) = entry.items()
            found.append(Resource(str(said.get("name", cls)), cls, dict(said)))
        return tuple(found)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not an environment of labgrid: {environment[:80]!r}") from error


def port_of(resources: Sequence[Resource], name: str, place: str) -> str:
    """The `port:` line (`rfc2217://…`, `socket://…`) of the serial resource of that name.

    Raises `BenchError`: there is none, or nobody can reach it from here.
    """
    serial = [each for each in resources if each.cls == _SERIAL]
    found = [each for each in serial if each.name == name]
    if len(found) != 1:
        several = "more than one serial port" if found else "no serial port"
        known = ", ".join(each.name for each in serial) or "none"
        raise BenchError(
            f"the labgrid place {place} has {several} called '{name}'; it has {known}",
            hint="labgrid-client show says what a place has; is its exporter up?",
        )
    said = found[0].said
    scheme = _SCHEMES.get(str(said.get("protocol", "rfc2217")))
    host, number = said.get("host"), said.get("port")
    if scheme is None or not host or not isinstance(number, int):
        raise BenchError(
            f"labgrid place {place}: the serial port '{name}' cannot be reached: expected a host, "
            f"a port and rfc2217 or raw, got {host}, {number} and {said.get('protocol')}",
            hint="look at the exporter: it serves the port by ser2net only while it is well",
        )
    return f"{scheme}://{f'[{host}]' if ':' in str(host) else host}:{number}"
