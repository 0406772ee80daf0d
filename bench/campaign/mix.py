"""What a population is made of. The dataclasses here are the form of a mix file (docs/campaign.md).

Shares are whole numbers, so that a draw is exact on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bench.emulation import PartyBehaviours
from bench.parties import Group
from bench.suite import DEFAULT_START, KeyKnown
from bench.units import HOUR, MINUTE, Amount, Instant, Micros

WHOLE = 10_000
"""What a condition's share is out of."""


class Kind(StrEnum):
    """What a condition is a condition of."""

    DEVICE = "device"
    WAN = "wan"
    HAN = "han"
    KEYS = "keys"
    PARTY = "party"


@dataclass(frozen=True, slots=True)
class Span:
    """Drawn evenly between two spans, both included, in whole seconds."""

    least: Micros
    most: Micros


@dataclass(frozen=True, slots=True)
class Delays:
    """How long parties take in this population, where no condition says otherwise."""

    authorises_after: Span = Span(10 * MINUTE, 6 * HOUR)
    submits_after: Span = Span(10 * MINUTE, 2 * HOUR)
    files_after: Span = Span(30 * MINUTE, 4 * HOUR)


@dataclass(frozen=True, slots=True)
class DrawnFault:
    """A fault of an installation under a condition; as in a suite, but spans are drawn.

    Exactly one of `after`, `when`, `request` is set.
    """

    fault: str
    target: str
    after: Span | None = None
    when: Mapping[str, str] | None = None
    request: str | None = None
    nth: int = 1
    lasts: Span | None = None
    times: int = 1
    code: str = ""
    by: Amount | None = None


@dataclass(frozen=True, slots=True)
class Quirk:
    """How an emulated device differs from what the installation says; left out: it does not."""

    drift_ppm: int | None = None
    reaction: Micros | None = None
    reply_timeout: Micros | None = None
    reboot_takes: Micros | None = None
    wakes_every: Micros | None = None
    lockout_after: int | None = None
    wan_sleeps: bool | None = None
    deviant: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds for `per_10000` of the installations of its groups (none: of all).

    Installations that lack a device it names are left out. `parties`: a party that it says anything
    of behaves so altogether. Conditions are drawn apart from each other; several may hold.
    """

    condition: str
    kind: Kind
    per_10000: int
    about: str = ""
    groups: tuple[Group, ...] = ()
    faults: tuple[DrawnFault, ...] = ()
    devices: Mapping[str, Quirk] = field(default_factory=dict)
    keys: Mapping[str, KeyKnown] = field(default_factory=dict)
    parties: PartyBehaviours = field(default_factory=PartyBehaviours)


@dataclass(frozen=True, slots=True)
class Part:
    """Installations of one make: `share` parts of the sum of all shares."""

    installation: str
    share: int


@dataclass(frozen=True, slots=True)
class Mix:
    """A population. `start`: the day on which the first installations are opened.

    `daily_capacity`: how many passages may be opened on a day; `held_back` of them are kept for
    resubmissions, the rest is filled with installations in the order of their numbers.
    `parties`: how parties behave where no condition says otherwise; `mcc` holds the calendar of
    split supply.
    """

    mix: str
    installations: tuple[Part, ...]
    daily_capacity: int
    about: str = ""
    held_back: int = 0
    start: Instant = DEFAULT_START
    opening_hours: Micros = 8 * HOUR
    delays: Delays = Delays()
    parties: PartyBehaviours = field(default_factory=PartyBehaviours)
    conditions: tuple[Condition, ...] = ()
