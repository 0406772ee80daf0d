"""What a scenario left behind: its events and acts, the kit before and after, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bench.conduct import Breach
from bench.devices import Identity
from bench.effects import Act
from bench.emulation import FaultSpec, Truth
from bench.errors import BenchError
from bench.migration.process import Migration
from bench.operator import OperatorStep
from bench.secret import Secret
from bench.suite_reading import PreparedScenario
from bench.trace import Event
from bench.units import Micros


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person was asked, what came back (empty: nothing in time), who said it and when."""

    step: OperatorStep
    answer: str
    by: str
    at: Micros


@dataclass(slots=True)
class Ran:
    """What a scenario left behind. `migration` None: the bench itself failed (`bench_error`), or
    a person said before it that it cannot be run (`not_run`).

    `failure`: why the bench stopped it (`cancelled`) in a way that it can be taken up again.
    `emulated`: per device, whether it is, by what it said of itself; None: it did not say.
    `clock_evidence`: how good the clock was (`bench.timekeeping`); None on a virtual one.
    `process_acts`: how many of the acts were the process's own; what follows returned the kit.
    `denied`: per device on a real port, how many keys it said no to when it was read back, since it
    last proved one. `witnessed`: what the reference meter saw of the meter that it measures.
    `left`: the meters on real ports that hold another key than they began with, or may hold it.
    `unarmed`: the faults of real lines and relays in a scenario that was taken up: what they struck
    before is not known, and from there on they struck nothing.
    """

    prepared: PreparedScenario
    started: Micros
    identities: dict[str, Identity]
    before: Truth
    events: list[Event] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    ended: Micros = 0
    after: Truth | None = None
    migration: Migration | None = None
    bench_error: str = ""
    cancelled: str = ""
    failure: BenchError | None = None
    not_run: str = ""
    unstruck: tuple[FaultSpec, ...] = ()
    process_acts: int | None = None
    denied: dict[str, int] = field(default_factory=dict)
    witnessed: list[Breach] = field(default_factory=list)
    left: tuple[str, ...] = ()
    unarmed: tuple[FaultSpec, ...] = ()
    emulated: dict[str, bool | None] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    clock_evidence: dict[str, Any] | None = None
