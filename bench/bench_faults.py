"""The faults of the bench itself that a scenario names, each put before the part that it strikes.

The parts are those that the bench is handed: the source of its clock's stamps, the writer of its
trace, its relay board. What stops a run (`disk-full`, `unplugged`) is noted in the run's folder, so
that it does not strike again when the run is taken up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.clock_evidence import Stamp
from bench.devices import PowerSwitch
from bench.emulation import FaultSpec
from bench.event_fields import fields_of
from bench.plugins import EMULATORS, load
from bench.spelling import did_you_mean
from bench.trace import EVENT_TYPES, Event, Opened
from bench.units import HOUR, Micros

CLOCK_STEP: Final = "bench-clock-step"
DISK_FULL: Final = "disk-full"
RELAY_STUCK: Final = "relay-stuck"

BENCH: Final = "bench"
"""The target of a fault that strikes no device."""

WRITE: Final = "write"
"""What a full disk is asked: to take one more event of the trace."""

STOPPED: Final = "stopped-by-a-fault.jsonl"

Write = Callable[[Event], None]


def is_bench_fault(name: str) -> bool:
    return name in load(EMULATORS, "bench-faults")


class BenchFaults:
    """Those of one scenario, by their place among its faults. `after` and `when` are counted from
    the events of its trace: a fault strikes with the first event for which it is due.
    """

    def __init__(self, faults: Sequence[FaultSpec], folder: Path | None, scenario: str) -> None:
        """`folder`: of the run; None: nothing is noted."""
        known: Mapping[str, Callable[..., Any]] = load(EMULATORS, "bench-faults")
        self._known = known
        self._faults = {n: spec for n, spec in enumerate(faults) if spec.fault in known}
        self._left = {n: spec.moment.nth for n, spec in self._faults.items()}
        self._folder = folder
        self._scenario = scenario
        self._before = struck_before(folder, scenario)
        self._struck = set(self._before)
        self._opened: Micros | None = None

    def stamps(self, stamp: Callable[[], Stamp]) -> Callable[[], Stamp]:
        """The bench's clock, as it may be set meanwhile."""
        for number, spec in self._of(CLOCK_STEP):
            by = HOUR if spec.by is None else spec.by
            stamp = self._known[CLOCK_STEP](stamp, by, partial(self._has_struck, number))
        return stamp

    def relays(self, board: PowerSwitch, feeds: Mapping[str, int]) -> PowerSwitch:
        """The relay board, as its contacts may stick."""
        for number, spec in self._of(RELAY_STUCK):
            struck = partial(self._has_struck, number)
            board = self._known[RELAY_STUCK](board, feeds[spec.target], struck)
        return board

    def writing(self, write: Write | None) -> Write:
        """The writer of the trace, as the disk may be full. Every event has to pass it."""
        kept = write or (lambda event: None)
        for number, _ in self._of(DISK_FULL):
            if number not in self._before:
                kept = self._known[DISK_FULL](kept, partial(self._fills, number))

        def written(event: Event) -> None:
            self._observe(event)
            kept(event)

        return written

    def unstruck(self) -> tuple[FaultSpec, ...]:
        """Those whose moment has not come."""
        return tuple(spec for n, spec in self._faults.items() if n not in self._struck)

    def _of(self, fault: str) -> Iterator[tuple[int, FaultSpec]]:
        return ((n, spec) for n, spec in self._faults.items() if spec.fault == fault)

    def _has_struck(self, number: int) -> bool:
        return number in self._struck

    def _fills(self, number: int, event: Event) -> bool:
        if number not in self._struck:
            return False
        note_stopping(self._folder, self._scenario, number)
        return True

    def _observe(self, event: Event) -> None:
        if self._opened is None and isinstance(event, Opened):
            self._opened = event.at
        for number in self._faults.keys() - self._struck:
            if self._is_met(self._faults[number], event):
                self._left[number] -= 1
                if not self._left[number]:
                    self._struck.add(number)

    def _is_met(self, spec: FaultSpec, event: Event) -> bool:
        moment = spec.moment
        if moment.after is not None:
            return self._opened is not None and event.at >= self._opened + moment.after
        return moment.on is None or moment.on.items() <= fields_of(event).items()


def struck_before(folder: Path | None, scenario: str) -> frozenset[int]:
    """The scenario's faults that stopped this run before, by their place among them."""
    try:
        lines = (folder / STOPPED).read_text(encoding="utf-8").splitlines() if folder else []
    except FileNotFoundError:
        return frozenset()
    noted = map(json.loads, lines)
    return frozenset(each["fault"] for each in noted if each["scenario"] == scenario)


def note_stopping(folder: Path | None, scenario: str, number: int) -> None:
    """The run is stopped by this fault of the scenario's. Raises `OSError`."""
    if folder is not None:
        with (folder / STOPPED).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"scenario": scenario, "fault": number}) + "\n")


def bench_fault_problems(spec: FaultSpec, devices: Sequence[str]) -> list[str]:
    """What is wrong with the use of a fault of the bench, in sentences."""
    problems = []
    targets = list(devices) if spec.fault == RELAY_STUCK else [BENCH]
    if spec.target not in targets:
        near = did_you_mean(spec.target, targets) or f"; expected {' or '.join(targets)}"
        problems.append(f"{spec.fault} cannot strike '{spec.target}'{near}")
    for option, given in (
        ("lasts", spec.lasts is not None),
        ("times", spec.times != 1),
        ("code", bool(spec.code)),
        ("by", spec.by is not None and spec.fault != CLOCK_STEP),
    ):
        if given:
            problems.append(f"{spec.fault} takes no {option}")
    moment = spec.moment
    ways = (moment.after, moment.on, moment.request)
    if sum(way is not None for way in ways) != 1:
        problems.append("expected exactly one of after, when, request as its moment")
    if moment.request is not None and (spec.fault, moment.request) != (DISK_FULL, WRITE):
        only = f"; only '{WRITE}'" if spec.fault == DISK_FULL else ": expected after or when"
        problems.append(f"{spec.fault} strikes at no request '{moment.request}'{only}")
    if moment.nth < 1:
        problems.append(f"nth: at least 1, not {moment.nth}")
    if moment.after is not None and moment.after < 0:
        problems.append("after: expected a span from the opening")
    kind = (moment.on or {}).get("event")
    if kind is not None and kind not in EVENT_TYPES:
        problems.append(f"when: no event is called '{kind}'{did_you_mean(kind, EVENT_TYPES)}")
    return problems
