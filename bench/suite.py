"""Suites: scenarios in YAML, each saying what is done and what must come of it.

The dataclasses here are the file's form (docs/suites.md); `bench.suite_reading` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bench.devices import SupplyState
from bench.emulation import FaultSpec, Moment, PartyBehaviours
from bench.invariant import Invariant
from bench.operator import OperatorStep
from bench.parties import Holder
from bench.units import HOUR, Amount, Instant, Micros, Scalar, format_duration, parse_instant

RETRY_SECTIONS: Final = ("3.1", "3.2", "3.3", "3.4.1")

TOPICS: Final = (
    "missing-master-key",
    "no-wan-before-migration",
    "no-wan-while-migrating",
    "five-failed-attempts",
    "gas-han-error",
)
"""Categories DCC proposed to give up on (2021), for `covers`."""

DEFAULT_START: Final = parse_instant("2021-05-04T08:00:00Z")
"""A Tuesday on which MEHRS 5.0 and MAM 4.0 were in force."""


class Outcome(StrEnum):
    """What an installation's last passage closes with."""

    COMMISSIONED = "commissioned"
    FAILED = "failed"
    RESUBMITTABLE = "resubmittable"
    PARKED = "parked"


class RuleVerdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    PASSED_IF_SOURCED = "passed-if-sourced"  # inconclusive while a limit of it is unsourced
    NOT_EXERCISED = "not-exercised"


class KeyHeld(StrEnum):
    """Which SUA key a device really holds at the end."""

    OLD = "old"  # the one it had when the scenario began
    NEW = "new"


class KeyKnown(StrEnum):
    """What the S1SP holds of a device's key when the scenario begins."""

    KNOWN = "known"
    MISSING = "missing"  # "missing master keys"
    OTHER = "other"  # it holds a key, but not the device's


class Restore(StrEnum):
    """An act that brings the kit back to the scenario's preconditions after it was judged."""

    ACCOUNT = "switch-back"
    KEYS = "restore-keys"
    HAN = "join-again"  # every device that has left the hub's HAN
    REBOOT = "reboot-hub"


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What is so before the opening, and the acts that bring it back afterwards, in order."""

    account: Holder = Holder.SMSO
    keys: Mapping[str, KeyKnown] = field(default_factory=dict)
    restore: tuple[Restore, ...] = ()


@dataclass(frozen=True, slots=True)
class Soak:
    """After the migration every device is read once in `every`, until `lasts` is over.

    Where the station has a reference meter it watches the supply and the registers of the meter
    that it measures, from the opening on.
    """

    lasts: Micros
    every: Micros = HOUR


@dataclass(frozen=True, slots=True)
class FaultEntry:
    """A fault by name, its target, and its moment: exactly one of `after`, `when`, `request`."""

    fault: str
    target: str
    after: Micros | None = None
    when: Mapping[str, str] | None = None
    request: str | None = None
    nth: int = 1
    lasts: Micros | None = None
    times: int = 1
    code: str = ""
    by: Amount | None = None

    @property
    def spec(self) -> FaultSpec:
        moment = Moment(self.after, self.when, self.request, self.nth)
        return FaultSpec(
            self.fault, self.target, moment, self.lasts, self.times, self.code, self.by
        )

    def __str__(self) -> str:
        """`request-lost at electricity, request rotate_key, nth 2`: the whole of its schedule."""
        said = [f"{self.fault} at {self.target}"]
        if self.after is not None:
            said.append(f"{format_duration(self.after)} after the opening")
        if self.when is not None:
            said.append("when " + " ".join(f"{name}={value}" for name, value in self.when.items()))
        if self.request is not None:
            said.append(f"request {self.request}")
        if self.nth != 1:
            said.append(f"nth {self.nth}")
        if self.times != 1:
            said.append(f"{self.times} times")
        if self.lasts is not None:
            said.append(f"for {format_duration(self.lasts)}")
        if self.code:
            said.append(f"code {self.code}")
        if self.by is not None:
            said.append(f"by {self.by}")
        return ", ".join(said)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must come of a scenario. What is left out is not looked at, with two exceptions:

    a rule that is not named must not be failed or inconclusive, and the invariants must hold.
    `attempts` counts per section, over all passages and devices; `failed` names each failed
    section's code in the last passage; `reports` lists the codes reported, in order. `found`: the
    breaches that the bench must find of a device, each of them a failure where it is not named.
    `bench_error`: part of what the bench must blame itself with, instead of coming to an outcome.
    """

    outcome: Outcome
    passages: int = 1
    gave_up: bool = False
    account: Holder | None = None
    keys: Mapping[str, KeyHeld] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    reports: tuple[str, ...] | None = None
    incidents: int | None = None
    wake_ups: int | None = None
    supply: Mapping[str, SupplyState] = field(default_factory=dict)
    chf_updated: bool | None = None
    at_least: Micros | None = None
    at_most: Micros | None = None
    rules: Mapping[str, RuleVerdict] = field(default_factory=dict)
    allows: tuple[Invariant, ...] = ()
    found: Mapping[str, tuple[Invariant, ...]] = field(default_factory=dict)
    bench_error: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. `covers` names sections and rules (docs/requirements.md is made from it).

    A scenario that names a strategy (`mehrs`, `mam`, `overlay`) runs under it, whatever the command
    line says; one that names none runs under what the command line, or the bench, takes for all.

    `operator` asks the person at the bench; where nobody can be asked, it is not run.

    `deviant` says in a sentence which device or party misbehaves on purpose: such a scenario shows
    that the bench catches it, and is left out of the certificate. `deviants` puts a deviant of the
    catalogue in the place of an emulated device; `s1sp` one in the place of the bench's own engine.

    `irreversible` says what of real kit it leaves changed for good: it comes last there, and a
    person is asked first.
    """

    scenario: str
    about: str
    installation: str
    expect: Expectation
    covers: tuple[str, ...] = ()
    mehrs: str | None = None
    mam: str | None = None
    overlay: str | None = None
    start: Instant = DEFAULT_START
    parties: PartyBehaviours = field(default_factory=PartyBehaviours)
    defaults: Mapping[str, Scalar] = field(default_factory=dict)
    preconditions: Preconditions = field(default_factory=Preconditions)
    faults: tuple[FaultEntry, ...] = ()
    operator: tuple[OperatorStep, ...] = ()
    deviant: str = ""
    deviants: Mapping[str, str] = field(default_factory=dict)
    s1sp: str = ""
    soak: Soak | None = None
    irreversible: str = ""

    @property
    def pinned(self) -> bool:
        """Whether it names its strategy itself."""
        return any(given is not None for given in (self.mehrs, self.mam, self.overlay))


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite file: its own scenarios after those of the suites it includes."""

    suite: str
    about: str = ""
    includes: tuple[str, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
