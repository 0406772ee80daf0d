"""The catalogue of deviants. Importing this package registers every one; `DEVIANTS` lists them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bench.installation import DeviceSpec
from bench.spelling import did_you_mean
from emulators.deviants import gas_meters, hubs, keys, meters, registry

DEVIANTS: Final[Mapping[str, registry.Deviant]] = MappingProxyType(registry.DEVIANTS)


def deviant_problem(name: str, spec: DeviceSpec) -> str:
    """Why the device cannot be that deviant, in a sentence; empty if it can."""
    found = DEVIANTS.get(name)
    if found is None:
        near = did_you_mean(name, DEVIANTS) or "; smets1-bench list deviants names them all"
        return f"no deviant is called '{name}'{near}"
    if found.role is not spec.role:
        return f"{name} is a deviant {found.role}, and '{spec.name}' is a {spec.role}"
    return ""


__all__ = ["DEVIANTS", "deviant_problem", "gas_meters", "hubs", "keys", "meters"]
