"""What a rule may know of an event: one small tuple per kind, in the passage's own order.

`seq` numbers the events of a passage from 0, so that "before" and "after" mean the order of the
trace, also where two events share their `at`. `at` is microseconds UTC. `where` is the line.
Every fact begins with these three. They are plain tuples of plain values, so that a closed passage
can be packed (`passage.py`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from bench.units import Micros

LONG_AGO: Final[Micros] = -(1 << 62)
"""Before any time a trace can state: the start of a passage whose opening was not seen."""

FOR_EVER: Final[Micros] = 1 << 62
"""After any time a trace can state."""


class Designated(NamedTuple):
    """The MCC designated a week, half open."""

    seq: int
    at: Micros
    where: int
    start: Micros
    end: Micros


class Authorised(NamedTuple):
    """A supplier's Migration Authorisation was validated."""

    seq: int
    at: Micros
    where: int
    supplier: str
    accepted: bool
    submitted: Micros


class Stepped(NamedTuple):
    """A step of the process passed or failed.

    `at_dcc`: the DCC held the account then. `key_moved`: some key was new or in doubt then.
    """

    seq: int
    at: Micros
    where: int
    section: str
    passed: bool
    actor: str | None
    at_dcc: bool
    key_moved: bool


class Filed(NamedTuple):
    """A file was generated or received."""

    seq: int
    at: Micros
    where: int
    generated: bool
    actor: str | None


class Switched(NamedTuple):
    """The account went to the other holder.

    `doubt_at`, `doubt_where`: since when a key was in doubt then (the latest of several), or None.
    """

    seq: int
    at: Micros
    where: int
    to_dcc: bool
    actor: str | None
    doubt_at: Micros | None
    doubt_where: int | None


class Tried(NamedTuple):
    """An attempt of a retried section. `started` is `at` where the trace does not say."""

    seq: int
    at: Micros
    where: int
    number: int
    long: bool
    started: Micros
    succeeded: bool
    retryable: bool


class Keyed(NamedTuple):
    """What is known of a device's key."""

    seq: int
    at: Micros
    where: int
    device: str
    state: str


class Updated(NamedTuple):
    """The CHF's record on the SMI was updated, or could not be."""

    seq: int
    at: Micros
    where: int
    updated: bool


class IncidentMoved(NamedTuple):
    """An incident was raised or resolved."""

    seq: int
    at: Micros
    where: int
    incident: str
    raised: bool
    acting_party: str


class Reported(NamedTuple):
    """A failure was reported."""

    seq: int
    at: Micros
    where: int
    report: str
    code: str | None


class Out(NamedTuple):
    """Nothing is known of the span from `start` to `end`; if not `blind`, only no time."""

    seq: int
    at: Micros
    where: int
    start: Micros
    end: Micros
    blind: bool


class Ended(NamedTuple):
    """The passage closed."""

    seq: int
    at: Micros
    where: int
    outcome: str
    doubt_at: Micros | None
    doubt_where: int | None
