"""The board of a run: gathers what happens and publishes it, not oftener than anybody can read.

The runner calls it from the thread that runs the process; a question may come from there as well.
Publishing twice does no harm. The board never fails a run: where `status.json` cannot be written
the run goes on, and what it cannot write itself (trace, result) it says itself.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.clock import WallClock
from bench.conformance.checker import Checker
from bench.conformance.finding import WORDS
from bench.live.process import own_mark
from bench.live.status import (
    FINISHED,
    RUNNING,
    STATUS,
    STOPPED,
    Current,
    Question,
    Status,
    put_status,
    write_status,
)
from bench.live.view import View, seen
from bench.mehrs.retry import RepeatPolicy, retry_policy
from bench.mehrs.strategy import Strategy
from bench.plain_file import open_plain
from bench.result import RULE_VERDICTS, StrategyRecord, parameters_of
from bench.trace import Event
from bench.trace_reading import FaultyLine
from bench.units import Micros

OFTEN: Final = 0.5
"""Seconds of real time between two publications that nothing hurries."""

JUDGED: Final = 5.0
"""Seconds of real time between two judgements of an unfinished scenario, at the least."""

SHARE: Final = 20
"""Each judgement is followed by so many times its own length without one: it takes all events."""

Looked = Callable[[Status], None]


class Board:
    """One run's. `looked` sees each publication (the terminal's view); `folder` None: no file."""

    def __init__(
        self,
        status: Status,
        folder: Path | None,
        *,
        looked: Looked | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._status = replace(status, state=RUNNING, process=own_mark())
        self._folder = folder
        self._before = None if folder is None else _kept(folder)
        self._looked = looked
        self._monotonic = monotonic
        self._published = float("-inf")
        self._judge_at = float("-inf")
        self._strategy: Strategy | None = None
        self._tolerance: Micros = 0
        self._attempts: Mapping[str, int] = {}
        self._events: list[Event] = []
        self._questions = 0
        self._publish(hurried=True)

    @property
    def status(self) -> Status:
        return self._status

    def begins(
        self,
        scenario: str,
        about: str,
        first_line: int,
        strategy: Strategy,
        record: StrategyRecord,
        tolerance: Micros,
    ) -> None:
        """A scenario begins; its events come next."""
        self._strategy, self._tolerance = strategy, tolerance
        self._attempts = attempts_allowed(strategy)
        self._events = []
        self._judge_at = float("-inf")
        current = Current(scenario, about, first_line, record, parameters_of(strategy))
        self._status = replace(self._status, current=current)
        self._publish()

    def saw(self, event: Event) -> None:
        """An event was written into the trace."""
        current = self._current
        view = current.view or View(event.installation)
        self._events.append(event)
        self._status = replace(
            self._status,
            now=max(self._status.now, event.at),
            current=replace(current, view=seen(view, event, self._attempts), until=None, doing=""),
        )
        self._publish()

    def waits(self, until: Micros, doing: str) -> None:
        """The process waits, at most until then, for what `doing` says.

        On a wall clock that may be the last thing to be said for long.
        """
        current = replace(self._current, until=until, doing=doing)
        self._status = replace(self._status, current=current)
        self._publish(hurried=self._status.clock == WallClock.mode)

    def asks(self, text: str, answers: tuple[str, ...], until: Micros) -> int:
        """The person at the bench is asked; returns the question's number."""
        self._questions += 1
        question = Question(self._questions, text, answers, until)
        self._status = replace(self._status, question=question)
        self._publish(hurried=True)
        return self._questions

    def asked(self) -> None:
        """The question is answered or its time is up."""
        self._status = replace(self._status, question=None)
        self._publish(hurried=True)

    def ended(self, verdict: str) -> None:
        """The scenario ended so, or was `not run`."""
        verdicts = Counter(self._status.verdicts)
        verdicts[verdict] += 1
        self._status = replace(
            self._status, done=self._status.done + 1, verdicts=dict(verdicts), current=None
        )
        self._publish()

    def closes(self, verdict: str, kit: str, stopped: str) -> None:
        """The run is over, with this verdict; `stopped` says why it ended early."""
        state = STOPPED if stopped else FINISHED
        self._status = replace(
            self._status, state=state, verdict=verdict, kit=kit, current=None, question=None
        )
        self._publish(hurried=True)

    def withdraws(self) -> None:
        """The run could not be taken up: the file says again what it said before."""
        if self._folder is not None and self._before is not None:
            with contextlib.suppress(OSError):
                put_status(self._folder, self._before)

    @property
    def _current(self) -> Current:
        assert self._status.current is not None, "a scenario has begun"
        return self._status.current

    def _publish(self, *, hurried: bool = False) -> None:
        now = self._monotonic()
        if not hurried and now < self._published + OFTEN:
            return
        if self._events and self._status.current is not None and now >= self._judge_at:
            self._judge()
            done = self._monotonic()
            self._judge_at = done + max(JUDGED, SHARE * (done - now))
        self._published = now
        if self._folder is not None:
            with contextlib.suppress(OSError):
                write_status(self._folder, self._status)
        if self._looked is not None:
            self._looked(self._status)

    def _judge(self) -> None:
        """What the checker would say if the trace ended here."""
        assert self._strategy is not None, "a scenario has begun"
        checker = Checker(self._strategy, self._tolerance)
        try:
            for line, event in enumerate(self._events, self._current.first_line):
                checker.feed(event, line)
        except FaultyLine:
            return  # the checker says so at the end, with the line
        judgement = checker.finish()
        rules: Counter[str] = Counter()
        for counted in judgement.rules.values():
            given = counted.as_json()
            worst = next((verdict for verdict in RULE_VERDICTS if given.get(verdict)), None)
            if worst is not None:
                rules[worst] += 1
        findings = tuple(
            f"{finding.rule} {WORDS[finding.verdict]}: {finding.message}"
            for finding in judgement.findings
        )
        current = replace(self._current, rules=dict(rules), findings=findings)
        self._status = replace(self._status, current=current)


def _kept(folder: Path) -> str | None:
    try:
        with open_plain(folder / STATUS) as file:
            return file.read().decode()
    except (OSError, ValueError):
        return None


def attempts_allowed(strategy: Strategy) -> dict[str, int]:
    """How many attempts each section of the retry strategy allows; of 3.1, its short phase."""
    allowed = {}
    for section in ("3.1", "3.2", "3.3", "3.4.1"):
        try:
            policy = retry_policy(strategy, section)
        except KeyError:
            continue
        if isinstance(policy, RepeatPolicy):
            allowed[section] = policy.attempts
        else:
            allowed[section] = policy.short_attempts
    return allowed
