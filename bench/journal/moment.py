"""When something was written, on every clock there is: so that a gap can be judged afterwards."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from bench.units import Micros

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Moment:
    """`at`: UTC on the run's clock. `monotonic`: microseconds since the start of the machine, only
    comparable within one `boot`.
    """

    at: Micros
    monotonic: Micros
    boot: str


def moment(at: Micros) -> Moment:
    return Moment(at, time.monotonic_ns() // 1000, boot_id())


@cache
def boot_id() -> str:
    """Another one after each start of the machine; `unknown` where the system does not tell."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"
