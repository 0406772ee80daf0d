"""One passage of one installation: from `opened` to `closed` and what may still come after it.

It sorts events into facts by kind, in their order, and keeps the latest state of account and keys.
It judges nothing. What a passage may contain at all is `order.py`'s; here the events are in order.

A closed passage stays until its installation opens again or the trace ends, because a report, an
incident or an outage may still concern it. `packed` is its form until then: the facts as bytes.
"""

from __future__ import annotations

import marshal
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeVar

from bench.conformance.facts import (
    LONG_AGO,
    Authorised,
    Designated,
    Ended,
    Filed,
    IncidentMoved,
    Keyed,
    Out,
    Reported,
    Stepped,
    Switched,
    Tried,
    Updated,
)
from bench.conformance.timing import NO_OUTAGES, Outages
from bench.trace import (
    Account,
    Attempt,
    Authorisation,
    Closed,
    Event,
    File,
    Incident,
    Key,
    Opened,
    Outage,
    Report,
    Smi,
    Step,
    WeekDesignated,
)
from bench.units import SECOND, Micros

_Fact = TypeVar("_Fact", bound=NamedTuple)

ChainKey = tuple[str, str | None, str | None]
"""Section, operation, device."""

_FOREVER_S: Final = 1e12
"""Seconds; a clock more uncertain than that says nothing either."""


class Passage:
    """The facts of one passage.

    `began` is the `at` of its `opened`, LONG_AGO where the trace has none. `ended` is None while
    it is open; `until` is then the moment up to which the trace is known, set before judging.
    """

    __slots__ = (
        "_doubts",
        "_new",
        "_outages",
        "_seq",
        "accounts",
        "at_dcc",
        "authorisations",
        "began",
        "chains",
        "ended",
        "files",
        "first_doubt",
        "incidents",
        "key_events",
        "keys",
        "opened_where",
        "outages",
        "payment",
        "reports",
        "smi",
        "split",
        "started_apart",
        "steps",
        "suppliers",
        "touched",
        "uncertainty",
        "until",
        "weeks",
    )

    def __init__(self, first: Event, at: Micros, where: int) -> None:
        self.opened_where = where
        self.began: Micros = LONG_AGO
        self.split = False
        self.payment = "credit"
        self.suppliers: tuple[str, ...] = ()
        self.uncertainty: Micros = 0
        if isinstance(first, Opened):
            self.began = at
            self.split = first.supply == "split"
            self.payment = first.payment
            self.suppliers = first.suppliers
            self.uncertainty = round(min(first.uncertainty_s, _FOREVER_S) * SECOND)
        self.until: Micros = at
        self.ended: Ended | None = None
        self.weeks: list[Designated] = []
        self.authorisations: list[Authorised] = []
        self.steps: dict[str, list[Stepped]] = {}
        self.files: dict[str, list[Filed]] = {}
        # whether the DCC holds the account; before the first switch the SMSO does
        self.at_dcc = False
        self.accounts: list[Switched] = []
        self.chains: dict[ChainKey, list[list[Tried]]] = {}
        self.key_events: list[Keyed] = []
        self.smi: list[Updated] = []
        self.incidents: list[IncidentMoved] = []
        self.reports: list[Reported] = []
        self.outages: list[Out] = []
        # device -> the latest event of its key
        self.keys: dict[str, Keyed] = {}
        # the devices that a key event or a 3.3 attempt concerned
        self.touched: set[str] = set()
        self.first_doubt: int | None = None
        # some attempt started before it became known
        self.started_apart = False
        # device -> (since when in doubt, line), the latest last
        self._doubts: dict[str, tuple[Micros, int]] = {}
        # the devices whose key is new
        self._new: set[str] = set()
        # None: to be put together from `outages`
        self._outages: Outages | None = NO_OUTAGES
        self._seq = 0

    # --- events in ---

    def add(self, event: Event, at: Micros, where: int) -> None:
        """Takes the next event; it is not before any taken earlier.

        `at` stands for the event's own.
        """
        self._seq += 1
        take = _TAKE.get(type(event))
        if take is not None:
            take(self, event, at, where)

    def _week(self, event: WeekDesignated, at: Micros, where: int) -> None:
        self.weeks.append(Designated(self._seq, at, where, event.from_, event.to))

    def _authorisation(self, event: Authorisation, at: Micros, where: int) -> None:
        submitted = at if event.submitted is None else event.submitted
        accepted = event.outcome == "accepted"
        self.authorisations.append(
            Authorised(self._seq, at, where, event.supplier, accepted, submitted)
        )

    def _step(self, event: Step, at: Micros, where: int) -> None:
        fact = Stepped(
            self._seq,
            at,
            where,
            event.section,
            event.outcome == "passed",
            event.actor,
            self.at_dcc,
            bool(self._doubts or self._new),
        )
        self.steps.setdefault(event.section, []).append(fact)

    def _file(self, event: File, at: Micros, where: int) -> None:
        fact = Filed(self._seq, at, where, event.action == "generated", event.actor)
        self.files.setdefault(event.file, []).append(fact)

    def _account(self, event: Account, at: Micros, where: int) -> None:
        to_dcc = event.holder == "DCC"
        if to_dcc != self.at_dcc:
            doubt = self._latest_doubt()
            self.accounts.append(Switched(self._seq, at, where, to_dcc, event.actor, *doubt))
            self.at_dcc = to_dcc

    def _attempt(self, event: Attempt, at: Micros, where: int) -> None:
        started = at
        if event.started is not None and event.started != started:
            started = event.started
            self.started_apart = True
        fact = Tried(
            self._seq,
            at,
            where,
            event.number,
            event.phase == "long",
            started,
            event.outcome == "succeeded",
            event.retryable,
        )
        chains = self.chains.setdefault((event.section, event.operation, event.device), [])
        if event.number == 1 or not chains:
            chains.append([fact])
        else:
            chains[-1].append(fact)
        if event.section == "3.3" and event.device is not None:
            self.touched.add(event.device)
            if event.outcome == "unknown":
                self._doubt(event.device, at, where)

    def _key(self, event: Key, at: Micros, where: int) -> None:
        device = event.device or ""
        fact = Keyed(self._seq, at, where, device, event.state)
        self.key_events.append(fact)
        self.keys[device] = fact
        self.touched.add(device)
        if event.state == "new":
            self._new.add(device)
        else:
            self._new.discard(device)
        if event.state == "unknown" or event.proof == "none":
            self._doubt(device, at, where)
        else:
            self._doubts.pop(device, None)

    def _smi(self, event: Smi, at: Micros, where: int) -> None:
        self.smi.append(Updated(self._seq, at, where, event.outcome == "updated"))

    def _incident(self, event: Incident, at: Micros, where: int) -> None:
        raised = event.outcome == "raised"
        self.incidents.append(
            IncidentMoved(self._seq, at, where, event.incident, raised, event.acting_party)
        )

    def _report(self, event: Report, at: Micros, where: int) -> None:
        self.reports.append(Reported(self._seq, at, where, event.report, event.code))

    def _outage(self, event: Outage, at: Micros, where: int) -> None:
        blind = event.of != "clock"
        self.outages.append(Out(self._seq, at, where, event.from_, event.to, blind))
        self._outages = None

    def _close(self, event: Closed, at: Micros, where: int) -> None:
        self.ended = Ended(self._seq, at, where, event.outcome, *self._latest_doubt())
        self.until = at

    def _doubt(self, device: str, at: Micros, where: int) -> None:
        if self.first_doubt is None:
            self.first_doubt = where
        self._doubts.pop(device, None)
        self._doubts[device] = (at, where)

    def _latest_doubt(self) -> tuple[Micros, int] | tuple[None, None]:
        return next(reversed(self._doubts.values()), (None, None))

    # --- state ---

    @property
    def outcome(self) -> str | None:
        """How the passage closed; None while it is open."""
        return self.ended.outcome if self.ended is not None else None

    @property
    def blackouts(self) -> Outages:
        if self._outages is None:
            self._outages = Outages(self.outages)
        return self._outages

    def generated(self, file: str) -> list[Filed]:
        return [fact for fact in self.files.get(file, ()) if fact.generated]

    def last_step(self, section: str, before: int) -> Stepped | None:
        """The latest step of the section before the event `before` (a `seq`)."""
        steps = self.steps.get(section, [])
        index = bisect_left(steps, before, key=_seq_of)
        return steps[index - 1] if index else None

    def last_number(self, event: Attempt) -> int:
        """The number of the last attempt of the event's chain, 0 where it has none."""
        chains = self.chains.get((event.section, event.operation, event.device))
        return chains[-1][-1].number if chains else 0

    def report_after(self, seq: int) -> Reported | None:
        return next((report for report in reversed(self.reports) if report.seq > seq), None)

    # --- rest ---

    def packed(self) -> bytes:
        """The passage as bytes; `unpacked` gives it back. Only what is not empty takes room."""
        lists = []
        for index, facts in enumerate(_lists_of(self)):
            if facts:
                lists.append((index, list(_flat(facts))))
        return marshal.dumps(
            (
                _plain_of(self),
                None if self.ended is None else tuple(self.ended),
                lists,
                list(_flat(_flat(self.steps.values()))),
                {name: list(_flat(facts)) for name, facts in self.files.items()},
                {key: [list(_flat(one)) for one in chains] for key, chains in self.chains.items()},
                self.touched,
            )
        )

    @classmethod
    def unpacked(cls, data: bytes) -> Passage:
        plain, ended, lists, steps, files, chains, touched = marshal.loads(data)
        passage = cls.__new__(cls)
        for name, value in zip(_PLAIN, plain, strict=True):
            setattr(passage, name, value)
        passage.ended = None if ended is None else Ended._make(ended)
        for name in _LISTS:
            setattr(passage, name, [])
        for index, values in lists:
            name = tuple(_LISTS)[index]
            setattr(passage, name, _facts(_LISTS[name], values))
        passage.steps = {}
        for step in _facts(Stepped, steps):
            passage.steps.setdefault(step.section, []).append(step)
        passage.files = {name: _facts(Filed, values) for name, values in files.items()}
        passage.chains = {
            key: [_facts(Tried, values) for values in group] for key, group in chains.items()
        }
        passage.touched = touched
        passage.keys = {key.device: key for key in passage.key_events}
        passage._doubts = {}
        passage._new = set()
        passage._outages = None
        return passage


_flat: Final = chain.from_iterable


def _facts(cls: type[_Fact], values: Sequence[Any]) -> list[_Fact]:
    """The facts whose values stand there one after the other."""
    rows = zip(*[iter(values)] * len(cls._fields), strict=True)
    return list(map(cls._make, rows))


def _seq_of(fact: Stepped) -> int:
    return fact.seq


_TAKE: Final[Mapping[type[Event], Callable[[Passage, Any, Micros, int], None]]] = {
    WeekDesignated: Passage._week,
    Authorisation: Passage._authorisation,
    Step: Passage._step,
    File: Passage._file,
    Account: Passage._account,
    Attempt: Passage._attempt,
    Key: Passage._key,
    Smi: Passage._smi,
    Incident: Passage._incident,
    Report: Passage._report,
    Outage: Passage._outage,
    Closed: Passage._close,
}

_PLAIN: Final = (
    "at_dcc",
    "began",
    "split",
    "payment",
    "suppliers",
    "uncertainty",
    "until",
    "opened_where",
    "first_doubt",
    "started_apart",
    "_seq",
)

_LISTS: Final[Mapping[str, type[NamedTuple]]] = {
    "weeks": Designated,
    "authorisations": Authorised,
    "accounts": Switched,
    "key_events": Keyed,
    "smi": Updated,
    "incidents": IncidentMoved,
    "reports": Reported,
    "outages": Out,
}

_plain_of: Final = attrgetter(*_PLAIN)
_lists_of: Final = attrgetter(*_LISTS)
