"""Faults at the byte pipe, in front of emulated and of real kit. `FAULTS` lists them by name.

Importing this package registers every fault. docs/faults.md is made from their docstrings.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from drivers.pipe_faults import line, line_states, protocol, registry

FAULTS: Final[Mapping[str, registry.PipeFault]] = MappingProxyType(registry.FAULTS)

__all__ = ["FAULTS", "line", "line_states", "protocol"]
