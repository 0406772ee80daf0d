"""The form in which a device's state is kept over a restart of the program that emulates it.

What a device of this kind keeps in memory that outlives a loss of power, and what the world around
it knows of it (cuts, contacts, what was executed). What the network or a fault does to it is not
its state. Of its past the newest `NEWEST` entries are kept. Times are microseconds UTC, keys
hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bench.devices import KeySlot, SupplyState

NEWEST: Final = 100


@dataclass(frozen=True, slots=True)
class Span:
    """`until`: none while it lasts."""

    since: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class KeptKey:
    key: str = field(repr=False)
    version: int = 1
    counter: int = 0


@dataclass(frozen=True, slots=True)
class LogLine:
    at: int
    text: str


@dataclass(frozen=True, slots=True)
class KeptKeys:
    slots: Mapping[KeySlot, KeptKey]
    wrong_in_a_row: int = 0
    locked_until: int | None = None
    log: tuple[LogLine, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptSegment:
    start: int
    base: str
    running: bool


@dataclass(frozen=True, slots=True)
class KeptRegister:
    """In the register's own units (W·%·µs), which are too many for a plain number of a file: as
    text.
    """

    started_with: str
    segments: tuple[KeptSegment, ...]
    lost: str = "0"
    fell: bool = False


@dataclass(frozen=True, slots=True)
class KeptClock:
    """It showed `shown` at `at`."""

    at: int
    shown: int
    drift_ppm: int = 0


@dataclass(frozen=True, slots=True)
class KeptSupply:
    state: SupplyState
    outages: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptPayment:
    """`balance` when the register showed `from_steps`."""

    balance: str
    from_steps: int
    lost: bool = False


@dataclass(frozen=True, slots=True)
class KeptMeter:
    clock: KeptClock
    reading: KeptRegister
    supply: KeptSupply
    payment: KeptPayment
    keys: KeptKeys


@dataclass(frozen=True, slots=True)
class KeptLink:
    joined: bool
    copy_at: int | None = None


@dataclass(frozen=True, slots=True)
class KeptHub:
    """`links` by EUI-64."""

    links: Mapping[str, KeptLink]
    dormant: bool = False
    wake_ups: int = 0
    sent: int = 0
    last_gasps: int = 0
    join_until: int = 0


@dataclass(frozen=True, slots=True)
class KeptDevice:
    """`executed`: how often each operation that changes something was carried out."""

    eui64: str
    executed: Mapping[str, int]
    power_ups: int
    up: bool = True
    cuts: int = 0
    power_cuts: tuple[Span, ...] = ()
    meter: KeptMeter | None = None
    hub: KeptHub | None = None


@dataclass(frozen=True, slots=True)
class KeptBoard:
    """One entry for each channel, from the first."""

    coils: tuple[bool, ...]
    closed: tuple[bool, ...]
    executed: int = 0
