"""What a person at the bench wants to know of an installation now: a fold over its events.

`seen` is a pure function of the view and the next event. It tells what the trace says and judges
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bench.trace import (
    Account,
    Attempt,
    Closed,
    Event,
    Incident,
    Key,
    Opened,
    Operator,
    Outage,
    Report,
    Smi,
    Step,
)
from bench.units import Micros


@dataclass(frozen=True, slots=True)
class Trying:
    """The last attempt of the chain at hand. `of`: how many there may be; 0 where time ends it.

    `outcome` and `code` are the attempt's; `what` names the operation and the device, if any.
    """

    section: str
    number: int
    outcome: str
    what: str = ""
    code: str = ""
    phase: str = ""
    of: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """One installation, as its events up to `at` tell it. Empty texts: nothing was said yet.

    `step`: the section that was last entered or ended. `keys`: the state of each key last told, by
    device. `doing`: one line about the last event.
    """

    installation: str
    group: str = ""
    at: Micros = 0
    opened: Micros | None = None
    passage: int = 0
    step: str = ""
    trying: Trying | None = None
    account: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    smi: str = ""
    incidents: int = 0
    outages: int = 0
    events: int = 0
    doing: str = ""
    outcome: str = ""


def seen(view: View, event: Event, attempts: Mapping[str, int]) -> View:
    """The view after `event`. `attempts`: by section, how many attempts the strategy allows."""
    view = replace(view, at=max(view.at, event.at), events=view.events + 1, doing=in_words(event))
    if event.group:
        view = replace(view, group=event.group)
    match event:
        case Opened():
            return replace(
                view,
                opened=event.at,
                passage=view.passage + 1,
                step="",
                trying=None,
                outcome="",
                incidents=0,
            )
        case Step():
            return replace(view, step=event.section, trying=None)
        case Attempt():
            return replace(view, step=event.section, trying=_trying(event, attempts))
        case Account():
            return replace(view, account=event.holder)
        case Key():
            device = event.device or ""
            return replace(view, keys={**view.keys, device: event.state})
        case Smi():
            return replace(view, smi=f"{event.record} {event.outcome}")
        case Incident():
            change = -1 if event.outcome == "resolved" else 1
            return replace(view, incidents=max(0, view.incidents + change))
        case Outage():
            return replace(view, outages=view.outages + 1)
        case Closed():
            return replace(view, outcome=event.outcome, trying=None)
    return view


def _trying(event: Attempt, attempts: Mapping[str, int]) -> Trying:
    return Trying(
        section=event.section,
        number=event.number,
        outcome=event.outcome,
        what=" of ".join(filter(None, (event.operation, event.device))),
        code=event.code or "",
        phase=event.phase or "",
        of=0 if event.phase == "long" else attempts.get(event.section, 0),
    )


def in_words(event: Event) -> str:
    """`attempt 3 failed`, `account DCC`, `step 2.6.4 passed`: a line, not a sentence."""
    match event:
        case Attempt():
            said = f"attempt {event.number} {event.outcome}"
        case Step():
            said = f"{event.section} {event.outcome}"
        case Account():
            said = f"account with {event.holder}"
        case Key():
            said = f"key {event.state}, proof: {event.proof}"
        case Smi():
            said = f"SMI {event.record} {event.outcome}"
        case Incident():
            said = f"incident {event.incident} {event.outcome}"
        case Report():
            said = f"{event.report} {event.outcome}"
        case Operator():
            said = f"asked: {event.asked}; answered: {event.answer} ({event.by})"
        case Closed():
            said = f"closed: {event.outcome}"
        case _:
            said = event.kind
    return " · ".join(filter(None, (said, event.device, getattr(event, "code", None))))
