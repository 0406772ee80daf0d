"""From requests at devices to events of a trace: what an S1SP did, as far as devices can tell.

An *attempt* is a run of requests of one section to one device. It ends with the answer to the
deciding operation, or when nothing came for the section's `gap`:

- answered: succeeded; what follows within the gap belongs to it;
- refused: failed; the same request once more is the next attempt;
- not answered: unknown if it changes something, else failed; the same request once more within the
  gap is a repetition of the same attempt;
- never made: failed if the device refused or left unanswered any other request of the section, else
  no attempt: somebody asked for other reasons.

Nobody is taken to have seen what a device cannot: no event here speaks of accounts, files, reports
or incidents. In a span in which the device was off nothing is known (`outage` of the log).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from bench.emulation import Act, Answer
from bench.observing.map_file import ATTEMPTS, ObservationMap, ObservedSection, Passage
from bench.parties import Actor, Group
from bench.trace import Attempt, Closed, Event, Key, Opened, Outage, Step
from bench.units import SECOND, Micros

UNSEEN: Final = (
    "week-designated",
    "authorisation",
    "file",
    "account",
    "smi",
    "incident",
    "report",
)
"""Kinds of event that no device can see."""

_CHANGING: Final = frozenset({"rotate_key", "set_clock", "reboot", "permit_join", "remove_device"})
_NO_ANSWER: Final = "BENCH-NO-REPLY"


@dataclass(slots=True)
class _Running:
    """An attempt under way, or one just over whose gap has not passed."""

    started: Micros
    last: Micros
    asked: set[str] = field(default_factory=set)
    code: str = ""
    doubt: bool = False
    silent: bool = False
    over: bool = False


@dataclass(slots=True)
class _Section:
    mapped: ObservedSection
    number: int = 0
    running: _Running | None = None


class Observer:
    """Takes acts in the order of time and emits events in the order of time.

    `bench.hosting.Watcher`. Events wait until no attempt under way can come before them.
    """

    def __init__(self, map_: ObservationMap, emit: Callable[[Event], None]) -> None:
        self._map = map_
        self._keys: Mapping[str, str] = {}
        self._emit = emit
        self._sections = [_Section(mapped) for mapped in map_.sections]
        self._waiting: list[tuple[Event, _Section | None]] = []
        self._now: Micros = 0
        self._down: dict[str, Micros] = {}
        self._rotated = {each.device for each in map_.sections if each.section == "3.3"}
        self._devices = {each.device for each in map_.sections}

    def begin(self, at: Micros, keys: Mapping[str, str]) -> None:
        """`keys`: check values, to tell an old key from a new one."""
        self._keys = dict(keys)
        if self._map.passage is Passage.OWN:
            self._queue(
                Opened(
                    at=at,
                    installation=self._map.installation,
                    group=self._map.group.value,
                    uncertainty_s=self._map.uncertainty / SECOND,
                    extra={"kit": "EMULATED", "seen-by": "devices", "unseen": list(UNSEEN)},
                )
            )
        self.settle(at)

    def act(self, act: Act) -> None:
        self.settle(act.at)
        for section in self._sections:
            mapped = section.mapped
            if act.device == mapped.device and act.operation in mapped.asks:
                self._take(section, act)
        if act.device in self._rotated:
            self._key(act)
        self._flush()

    def power(self, device: str, at: Micros, up: bool) -> None:
        """A device stopped listening, or listens again."""
        if device not in self._devices:
            return
        self.settle(at)
        if not up:
            self._down.setdefault(device, at)
            return
        since = self._down.pop(device, at)
        if since < at:
            self._queue(
                Outage(
                    at=at,
                    installation=self._map.installation,
                    device=device,
                    from_=since,
                    to=at,
                    of="log",
                )
            )
            self._flush()

    def settle(self, now: Micros) -> None:
        """It is `now`: attempts whose gap has passed are over."""
        self._now = max(self._now, now)
        for section in self._sections:
            running = section.running
            if running is not None and now - running.last > section.mapped.gap:
                self._end(section, running)
        self._flush()

    def finish(self, at: Micros) -> None:
        """The observation ends. A passage of group DA stays open: closing it would let rules pass
        that forbid what no device can see.
        """
        for section in self._sections:
            if section.running is not None:
                self._end(section, section.running)
        for device in tuple(self._down):
            self.power(device, at, up=True)
        # An answer that is late may still be under way.
        self._now = at = max([at, *(event.at for event, _ in self._waiting)])
        if self._map.passage is Passage.OWN and self._map.group is not Group.DA:
            self._queue(Closed(at=at, installation=self._map.installation, outcome="withdrawn"))
        self._flush()

    # -- attempts --------------------------------------------------------------------------------

    def _take(self, section: _Section, act: Act) -> None:
        running = section.running
        repeated = running is not None and act.what in running.asked
        if running is not None and running.over and repeated and running.code:
            section.running = running = None  # refused, and asked again: the next attempt
        if running is None:
            section.running = running = _Running(act.at, act.at)
        running.last = max(running.last, act.answered)
        running.asked.add(act.what)
        if running.over:
            return
        if act.answer is Answer.NONE:
            running.silent = True
            running.doubt = act.operation in _CHANGING
            return
        if act.answer is Answer.REFUSED:
            running.code = act.code
        if act.operation != section.mapped.done_by:
            return
        running.over = True
        if act.answer is Answer.DONE:
            running.code = ""
            self._record(section, running, act.answered, "succeeded", "")
        else:
            self._record(section, running, act.answered, "failed", act.code)

    def _end(self, section: _Section, running: _Running) -> None:
        """Nothing came for the gap."""
        section.running = None
        if running.over or not (running.code or running.silent):
            return
        outcome = "unknown" if running.doubt else "failed"
        code = _NO_ANSWER if running.silent else running.code
        self._record(section, running, running.last, outcome, code)

    def _record(
        self, section: _Section, running: _Running, at: Micros, outcome: str, code: str
    ) -> None:
        mapped = section.mapped
        if mapped.section not in ATTEMPTS:
            self._queue(
                Step(
                    at=at,
                    installation=self._map.installation,
                    actor=Actor.S1SP,
                    device=mapped.device,
                    section=mapped.section,
                    outcome="passed" if outcome == "succeeded" else "failed",
                    code=code or None,
                )
            )
            return
        self._queue(
            Attempt(
                at=at,
                installation=self._map.installation,
                actor=Actor.S1SP,
                device=mapped.device,
                section=mapped.section,
                number=1,
                operation=mapped.operation or mapped.done_by,
                started=running.started,
                outcome=outcome,
                code=code or None,
            ),
            section,
        )

    def _key(self, act: Act) -> None:
        """After an acknowledged transfer or a proof the S1SP knows which key the device has."""
        if act.answer is not Answer.DONE or act.operation not in ("rotate_key", "prove_key"):
            return
        self._queue(
            Key(
                at=act.answered,
                installation=self._map.installation,
                actor=Actor.S1SP,
                device=act.device,
                key="SUA",
                state="old" if act.key == self._keys.get(act.device) else "new",
                proof="ack" if act.operation == "rotate_key" else "probe",
            )
        )

    # -- order -----------------------------------------------------------------------------------

    def _queue(self, event: Event, section: _Section | None = None) -> None:
        self._waiting.append((event, section))

    def _flush(self) -> None:
        """Emits, in the order of time, what no attempt under way can come before."""
        under_way = [
            section.running.last
            for section in self._sections
            if section.running is not None and not section.running.over
        ]
        until = min([*under_way, self._now])
        self._waiting.sort(key=lambda waiting: waiting[0].at)
        while self._waiting and self._waiting[0][0].at <= until:
            event, section = self._waiting.pop(0)
            if isinstance(event, Attempt) and section is not None:
                event = _numbered(event, section)
            self._emit(event)


def _numbered(attempt: Attempt, section: _Section) -> Attempt:
    """Attempts are counted as their answers arrive; a success ends the chain."""
    section.number += 1
    number = section.number
    if attempt.outcome == "succeeded":
        section.number = 0
    phase = None
    if attempt.section == "3.1":
        phase = "short" if number <= section.mapped.short_attempts else "long"
    return replace(attempt, number=number, phase=phase)
