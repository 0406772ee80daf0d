"""The status of a run in words: the same for the terminal and for the page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bench.live.status import Current, Status
from bench.live.view import Trying, View
from bench.printable import printable
from bench.report.spoken import count, moment, span, time_of_day
from bench.units import DAY, SECOND, Micros

_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to know. `mark`: a verdict that the text stands for, or empty."""

    label: str
    text: str
    mark: str = ""


def rows(status: Status, now: Micros) -> tuple[Row, ...]:
    """What is to be known of the scenario under way at `now`, on the run's clock."""
    current = status.current
    if current is None:
        return ()
    told = [Row("scenario", f"{status.done + 1} of {status.scenarios}: {current.scenario}")]
    view = current.view
    if view is None:
        return (*told, Row("doing", current.doing or "being prepared"))
    told += [
        Row("installation", _installation(view, now)),
        Row("step", _step(view)),
        Row("attempt", _attempt(view.trying)),
        Row("next", _next(current, now)),
        Row("account", view.account or "not told yet"),
        Row(
            "keys",
            ", ".join(f"{name}: {state}" for name, state in view.keys.items()) or "not told yet",
        ),
    ]
    if view.smi:
        told.append(Row("SMI", view.smi))
    if view.incidents:
        told.append(Row("incidents", f"{view.incidents} open"))
    if view.outages:
        told.append(Row("outages", f"{view.outages}: what rests on them is inconclusive"))
    told.append(Row("so far", so_far(current), _mark(current)))
    return tuple(Row(row.label, printable(row.text), row.mark) for row in told)


def headline(status: Status) -> str:
    """`suite retry on bench 1: 12 of 133 scenarios, 10 pass, 2 fail`."""
    done = f"{status.done} of {count(status.scenarios, 'scenario')}"
    verdicts = "".join(f", {number} {verdict}" for verdict, number in status.verdicts.items())
    return printable(f"suite {status.suite} on {status.station}: {done}{verdicts}")


def so_far(current: Current) -> str:
    """What the checker would say if the trace ended here."""
    if not current.rules:
        return "nothing judged yet"
    return ", ".join(f"{number} {verdict}" for verdict, number in current.rules.items())


def _mark(current: Current) -> str:
    return next((word for word in ("failed", "inconclusive") if current.rules.get(word)), "")


def _installation(view: View, now: Micros) -> str:
    since = "" if view.opened is None else f", open for {span(_whole(now - view.opened))}"
    again = f", passage {view.passage}" if view.passage > 1 else ""
    group = f" of group {view.group}" if view.group else ""
    return f"{view.installation}{group}{again}{since}"


def _step(view: View) -> str:
    return " · ".join(filter(None, (view.outcome or view.step, view.doing)))


def _attempt(trying: Trying | None) -> str:
    if trying is None:
        return "none under way"
    of = f" of {trying.of}" if trying.of else ""
    phase = f", {trying.phase} phase" if trying.phase else ""
    code = f" with {trying.code}" if trying.code else ""
    what = f": {trying.what}" if trying.what else ""
    return f"{trying.number}{of}{what} (section {trying.section}{phase}): {trying.outcome}{code}"


def _next(current: Current, now: Micros) -> str:
    if current.until is None:
        return "when the request at hand is answered"
    left = current.until - now
    at = moment(_whole(current.until)) if left >= DAY else time_of_day(_whole(current.until))
    if current.doing:
        awaited = _CAMEL.sub(" ", current.doing).lower()
        return f"on {awaited}, or at {at} UTC"
    return f"in {span(_whole(left))}, at {at} UTC" if left > 0 else "due"


def _whole(length: Micros) -> Micros:
    """To the second: a counter that shows more cannot be read."""
    return length - length % SECOND
