"""The fault catalogue. Importing this package registers every fault; `FAULTS` lists them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from emulators.faults import device, network, process, registry, request

FAULTS: Final[Mapping[str, registry.Fault]] = MappingProxyType(registry.FAULTS)

__all__ = ["FAULTS", "device", "network", "process", "request"]
