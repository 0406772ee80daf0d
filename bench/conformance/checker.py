"""The door of the checker: events in, one by one, a judgement out.

One pass. What is kept in memory: the facts of each open passage; of each installation its name,
where it stands, and its verdicts, shared by all that have the same; and the findings. The facts of
a closed passage go to a shelf (`shelf.py`, on disk when there are many), because a report, an
incident or an outage may still concern it until the installation opens again or the trace ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final, cast

from bench.conformance.facts import LONG_AGO
from bench.conformance.finding import Finding, Judgement, Part, RuleCount, merged
from bench.conformance.judging import Bench, Judged
from bench.conformance.order import Order, require_rising
from bench.conformance.passage import Passage
from bench.conformance.shelf import Shelf
from bench.mehrs.strategy import Strategy
from bench.trace import Attempt, Closed, Event, Opened
from bench.trace_reading import FaultyLine, Places, Where
from bench.units import SECOND, Micros
from bench.verdict import Verdict

DEFAULT_TOLERANCE: Final[Micros] = 60 * SECOND

_RECENT: Final = 256
"""How many closed passages stay unpacked: what comes after a close mostly comes soon."""

_Verdicts = tuple[tuple[str, Verdict], ...]
_Told = Sequence[Judged]


class _Installation:
    """One installation: its order, its passage at hand (as facts or on the shelf), what was judged.

    `first` is its first event's place. `earlier` and `latest` are the worst verdicts of the
    passages before this one and of this one.
    """

    __slots__ = (
        "earlier",
        "first",
        "late",
        "latest",
        "order",
        "packed",
        "passage",
        "told_earlier",
        "told_latest",
    )

    def __init__(self, first: Where) -> None:
        self.first = first
        self.order = Order()
        self.passage: Passage | None = None
        self.packed: int | None = None
        self.late: list[tuple[Event, Micros, Where]] = []
        self.earlier: _Verdicts = ()
        self.latest: _Verdicts = ()
        self.told_earlier: _Told = ()
        self.told_latest: _Told = ()


class Checker:
    """Judges one trace by one strategy.

    `feed` every event in the trace's order, then `finish` once. `where` is a number that does not
    fall; `place` says what line it stands for. Without `place` it is the line of a trace called
    `trace.jsonl`.
    """

    def __init__(
        self,
        strategy: Strategy,
        tolerance: Micros = DEFAULT_TOLERANCE,
        place: Callable[[Where], str] | None = None,
    ) -> None:
        self._strategy = strategy
        self._bench = Bench(strategy, tolerance)
        self._place = Places("trace.jsonl").text if place is None else place
        self._installations: dict[str, _Installation] = {}
        # closed passages that are still unpacked, the oldest first
        self._recent: dict[str, _Installation] = {}
        self._shelf = Shelf()
        self._shared: dict[_Verdicts, _Verdicts] = {}
        self._last_at: Micros = LONG_AGO
        self._faulty = False
        self.events = 0

    def feed(self, event: Event, where: Where) -> None:
        """Takes the next event. Raises FaultyLine if it may not come now: then no verdict follows.

        It is safe to feed on after that, to find further faults.
        """
        self.take(event.at, event.installation, event, where)

    def take(self, at: Micros, name: str, event: Event, where: Where) -> None:
        """The same, where `at` and `name`, the installation's, stand for the event's own."""
        installation = self._installations.get(name)
        if installation is None:
            installation = self._installations[name] = _Installation(where)
        self.events += 1
        kind = type(event)
        try:
            installation.order.admit(event, at, name)
            passage = installation.passage
            if passage is None or kind is Opened:
                passage = self._passage(name, installation, event, at, where)
            if kind is Attempt and passage is not None:
                require_rising(cast(Attempt, event), passage)
        except FaultyLine:
            self._faulty = True
            raise
        if at > self._last_at:
            self._last_at = at
        if passage is None:
            installation.late.append((event, at, where))
        else:
            passage.add(event, at, where)
        if kind is Closed:
            installation.order.open = False
            self._rest(name, installation)

    def shake(self, fault: FaultyLine) -> None:
        """Takes note of a faulty line, so that its absence is not held to be a second fault."""
        self._faulty = True
        if fault.installation is not None and fault.kind in (None, Opened.kind, Closed.kind):
            installation = self._installations.setdefault(fault.installation, _Installation(0))
            installation.order.shaken = True

    def finish(self) -> Judgement:
        """The judgement. There is none for a trace with faults: that is the caller's mistake."""
        return merged(self._strategy, [self.part()])

    def part(self, until: Micros | None = None) -> Part:
        """What was found, where these events are some installations of a larger trace.

        `until` is the last `at` of the whole trace; of these events, if it is not given.
        """
        if self._faulty:
            raise ValueError("a trace with faulty lines has no verdict")
        for name in self._installations:
            self.leave(name, self._last_at if until is None else until)
        return Part(self.events, len(self._installations), self._counts(), tuple(self._findings()))

    def leave(self, name: str, until: Micros) -> None:
        """No event of this installation comes any more; its facts are let go.

        It saves what waiting for one would cost. `until` is the last `at` of the whole trace.
        """
        installation = self._installations[name]
        self._recent.pop(name, None)
        passage = self._with_what_came_late(installation)
        if passage is not None:
            if passage.ended is None:
                passage.until = until
            self._judge(installation, passage)
        installation.passage = installation.packed = None

    # --- passages ---

    def _passage(
        self, name: str, installation: _Installation, event: Event, at: Micros, where: Where
    ) -> Passage | None:
        """A fresh passage for the event, where there is none at hand or it opens one.

        None: the one just closed is on the shelf, and what comes late for it waits until it is
        settled.
        """
        if type(event) is Opened:
            if installation.passage is not None or installation.packed is not None:
                self._settle(name, installation)
        elif installation.packed is not None:
            return None
        installation.passage = Passage(event, at, where)
        return installation.passage

    def _rest(self, name: str, installation: _Installation) -> None:
        """Puts a closed passage with the recent ones, and packs the oldest of them."""
        self._recent[name] = installation
        if len(self._recent) > _RECENT:
            oldest = self._recent.pop(next(iter(self._recent)))
            if oldest.passage is not None:
                self._judge(oldest, oldest.passage)
                oldest.packed = self._shelf.put(oldest.passage.packed())
                oldest.passage = None

    def _settle(self, name: str, installation: _Installation) -> None:
        """The installation opens again: nothing more can come for the passage at hand."""
        self._recent.pop(name, None)
        passage = self._with_what_came_late(installation)
        if passage is not None:
            self._judge(installation, passage)
        worst = dict(installation.earlier)
        for rule, verdict in installation.latest:
            worst[rule] = max(verdict, worst.get(rule, verdict))
        installation.earlier = self._share(worst.items())
        if installation.told_latest:
            # A list once there is something: an installation may be opened again very often.
            if not isinstance(installation.told_earlier, list):
                installation.told_earlier = []
            installation.told_earlier.extend(installation.told_latest)
        installation.passage = installation.packed = None
        installation.latest, installation.told_latest = (), ()

    def _with_what_came_late(self, installation: _Installation) -> Passage | None:
        """The passage at hand; from the shelf only if it was judged without what came since."""
        if installation.packed is None or not installation.late:
            return installation.passage
        passage = Passage.unpacked(self._shelf.take(installation.packed))
        for event, at, where in installation.late:
            passage.add(event, at, where)
        installation.packed, installation.late = None, []
        return passage

    def _judge(self, installation: _Installation, passage: Passage) -> None:
        if self._faulty:
            return
        worst, told = self._bench.judge(passage, installation.order.group or "")
        installation.latest = self._share(worst.items())
        installation.told_latest = tuple(told)

    def _share(self, verdicts: Iterable[tuple[str, Verdict]]) -> _Verdicts:
        """One object for all installations with the same verdicts."""
        found = tuple(verdicts)
        return self._shared.setdefault(found, found)

    # --- the result ---

    def _counts(self) -> dict[str, RuleCount]:
        together = Counter((one.earlier, one.latest) for one in self._installations.values())
        counts: dict[str, RuleCount] = {}
        for (earlier, latest), installations in together.items():
            worst = dict(earlier)
            for rule, verdict in latest:
                worst[rule] = max(verdict, worst.get(rule, verdict))
            for rule, verdict in worst.items():
                counts.setdefault(rule, RuleCount()).add(verdict, installations)
        return counts

    def _findings(self) -> Iterable[tuple[Where, Finding]]:
        for name, installation in self._installations.items():
            told = (*installation.told_earlier, *installation.told_latest)
            for one in sorted(told, key=_first_line):
                yield installation.first, self._finding(name, one)

    def _finding(self, name: str, judged: Judged) -> Finding:
        rule, outcome = judged.rule.rule, judged.outcome
        return Finding(
            installation=name,
            rule=rule.id,
            section=rule.section,
            status=judged.status,
            verdict=outcome.verdict,
            expected=outcome.expected,
            observed=outcome.observed,
            where=tuple(self._place(where) for where in outcome.where),
            message=outcome.message,
            others=judged.others,
        )


def _first_line(judged: Judged) -> int:
    return judged.outcome.where[0]
