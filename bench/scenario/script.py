"""The events of a scenario on their way into its trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bench.journal.gap import Gap
from bench.operator import Occasion
from bench.scenario.keeping import Keeping
from bench.scenario.ran import Ran
from bench.staging import Stage
from bench.timekeeping import Timekeeper
from bench.trace import Closed, Event, Opened, Outage
from bench.trace import Operator as OperatorEvent
from bench.units import format_instant


class Script:
    """Takes the events of the process for the trace and puts a person's answers among them.

    What was answered before belongs to the passage that opens then. Where a person is asked at the
    end, the last `closed` is held back until the answers are there.
    """

    def __init__(
        self,
        stage: Stage,
        ran: Ran,
        timekeeper: Timekeeper,
        told: Callable[[Event], None],
        keeping: Keeping,
    ) -> None:
        self._stage = stage
        self._ran = ran
        self._now = keeping.now
        self._opened: Opened | None = None
        keeping.tell_gaps(self.gap)
        self._timekeeper = timekeeper
        self._listener = told
        steps = stage.plot.prepared.scenario.operator
        self._asks_after = any(each.step is Occasion.AFTER for each in steps)
        self._closing: Closed | None = None
        self._told = 0

    def take(self, event: Event) -> None:
        event = self._timekeeper.seen(event)
        if self._closing is not None:
            self._add(self._closing)
            self._closing = None
        if self._asks_after and isinstance(event, Closed):
            self._closing = event
        else:
            self._add(event)
        if isinstance(event, Opened):
            self._opened = event
            self._tell(event)
        self._stage.observe(event)

    def gap(self, gap: Gap) -> None:
        """The bench was down: said where it matters, once anything was opened."""
        if self._opened is not None:
            where = self._opened.installation
            for of in gap.outages:
                end = gap.end
                self._add(Outage(at=end, installation=where, from_=gap.start, to=end, of=of))

    def finish(self) -> None:
        """The process has ended, and everybody was asked."""
        if self._closing is not None:
            self._tell(self._closing)
            now = self._now()
            self._add(replace(self._closing, at=max(now, self._closing.at)))
            self._closing = None
        outage = self._timekeeper.outage(self._ran.events[-1]) if self._ran.events else None
        if outage is not None:
            self._add(outage)
        self._ran.clock_evidence = self._timekeeper.as_json()

    def _add(self, event: Event) -> None:
        self._ran.events.append(event)
        self._listener(event)

    def _tell(self, about: Event) -> None:
        replies, self._told = self._ran.replies[self._told :], len(self._ran.replies)
        for reply in replies:
            self._add(
                OperatorEvent(
                    at=max(about.at, reply.at),
                    installation=about.installation,
                    asked=reply.step.ask,
                    answer=reply.answer,
                    by=reply.by,
                    extra={"answered": format_instant(reply.at)},
                )
            )
