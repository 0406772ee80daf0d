"""What happened, in sentences a lab engineer reads before the lines of the trace.

Only what the trace says is told; who must act is taken from a failure's code and actor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from bench.parties import Actor
from bench.printable import printable
from bench.report.causes import Blame, blame, meaning
from bench.report.spoken import count, listed, moment, span
from bench.report.trace_lines import passages
from bench.trace import (
    Account,
    Attempt,
    Authorisation,
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

_PARTIES: Final = frozenset(actor.value for actor in Actor)
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth")


def story(events: Iterable[Event], *, replay: str = "") -> tuple[str, ...]:
    """The sentences, in the order of what happened. `replay` is the command that shows it again."""
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(event.installation, []).append(event)
    told = [sentence for own in found.values() for sentence in _installation(own)]
    if told:
        told.append(_next_command([event for own in found.values() for event in own], replay))
    return tuple(printable(sentence) for sentence in told)


def _installation(events: Sequence[Event]) -> Iterator[str]:
    for number, passage in enumerate(passages(events), start=1):
        yield from _Passage(passage, number).told()


class _Passage:
    """One passage's sentences."""

    def __init__(self, events: Sequence[Event], number: int) -> None:
        self._events = events
        self._number = number
        self._at = events[0].at

    def told(self) -> Iterator[str]:
        yield from self._opening()
        yield from self._authorisations()
        acts = sorted([*self._transfer(), *self._attempts()], key=lambda act: act[0])
        yield from (sentence for _, sentence in acts)
        yield from self._progress()
        yield from self._outages()
        yield from self._keys()
        yield from self._incidents()
        yield from self._operator()
        yield from self._switch_back()
        yield from self._reports()
        yield from self._end()

    def _of(self, *kinds: type[Event]) -> list[Event]:
        return [event for event in self._events if isinstance(event, kinds)]

    def _after(self, event: Event) -> str:
        """`1 h 5 min in`, counted from the start of the passage."""
        return f"{span(event.at - self._at)} in" if event.at > self._at else "at once"

    def _opening(self) -> Iterator[str]:
        first = self._events[0]
        if not isinstance(first, Opened):
            yield f"{first.installation}: the trace begins on {moment(first.at)} UTC, already open."
            return
        supply = "" if first.supply == "single" else f", {first.supply} supply"
        payment = "" if first.payment == "credit" else f", {first.payment}"
        again = "" if self._number == 1 else f" again (passage {self._number})"
        yield (
            f"{first.installation} of group {first.group}{supply}{payment} was opened{again} on "
            f"{moment(first.at)} UTC."
        )

    def _authorisations(self) -> Iterator[str]:
        accepted: list[str] = []
        for event in self._of(Authorisation):
            assert isinstance(event, Authorisation)
            if event.outcome == "accepted":
                if event.supplier not in accepted:
                    accepted.append(event.supplier)
            else:
                code = f" with {event.code}" if event.code else ""
                yield f"The authorisation of {event.supplier} was rejected{code}."
        if len(accepted) == 1:
            yield f"The authorisation of {accepted[0]} was accepted."
        elif accepted:
            yield f"The authorisations of {listed(accepted)} were accepted."

    def _attempts(self) -> Iterator[tuple[Micros, str]]:
        """A sentence for each chain but those that succeeded at once, with the first try's time."""
        chains: dict[tuple[str, str | None, str | None], list[Attempt]] = {}
        for event in self._of(Attempt):
            assert isinstance(event, Attempt)
            chains.setdefault((event.section, event.operation, event.device), []).append(event)
        for (section, operation, device), made in chains.items():
            if len(made) == 1 and made[0].outcome == "succeeded":
                continue
            what = " of ".join(filter(None, (operation, device)))
            yield made[0].at, _chain(section, what, made)

    def _progress(self) -> Iterator[str]:
        """The last good step, and the step that failed after it."""
        good: Step | None = None
        failed: Step | None = None
        for event in self._of(Step):
            assert isinstance(event, Step)
            if event.outcome == "failed":
                failed = event
            elif failed is None or failed.section == event.section:
                good, failed = event, None
        if good is not None:
            last = (
                "The last step that passed before the failure"
                if failed
                else "The last step that passed"
            )
            yield f"{last} was {_section(good.section)}, {self._after(good)}."
        if failed is not None:
            because = f" with {failed.code}" if failed.code else ""
            means = meaning(failed.code)
            yield (
                f"{_capital(_section(failed.section))} failed{because}, {self._after(failed)}"
                + (f": {means}." if means else ".")
            )
            yield _blamed(*blame(failed.code, failed.section, failed.actor))
        elif (last_try := self._unmended()) is not None:
            means = meaning(last_try.code)
            if means:
                yield f"{last_try.code} means: {means}."
            yield _blamed(*blame(last_try.code, last_try.section, last_try.actor))

    def _unmended(self) -> Attempt | None:
        """The last attempt, if it did not succeed and the passage did not come through."""
        closed = self._of(Closed)
        if closed and isinstance(closed[0], Closed) and closed[0].outcome == "commissioned":
            return None
        made = self._of(Attempt)
        last = made[-1] if made else None
        return last if isinstance(last, Attempt) and last.outcome != "succeeded" else None

    def _keys(self) -> Iterator[str]:
        by_device: dict[str, list[Key]] = {}
        for event in self._of(Key):
            assert isinstance(event, Key)
            by_device.setdefault(str(event.device), []).append(event)
        told: dict[str, list[str]] = {}
        for device, states in by_device.items():
            told.setdefault(_key_state(states), []).append(device)
        for state, devices in told.items():
            yield f"{listed(devices)}: {state}."

    def _incidents(self) -> Iterator[str]:
        raised: dict[str, Incident] = {}
        for event in self._of(Smi):
            assert isinstance(event, Smi)
            if event.outcome == "failed":
                yield f"The {event.record} could not be updated on the SMI, {self._after(event)}."
        for event in self._of(Incident):
            assert isinstance(event, Incident)
            if event.outcome == "raised":
                raised[event.incident] = event
            elif event.incident in raised:
                before = raised.pop(event.incident)
                yield (
                    f"Incident {event.incident} was raised, and {event.acting_party} resolved it "
                    f"{span(event.at - before.at)} later."
                )
        for incident in raised.values():
            yield (
                f"Incident {incident.incident} was raised, {self._after(incident)}, and is open; "
                f"it is for {incident.acting_party} to resolve."
            )

    def _reports(self) -> Iterator[str]:
        told: dict[str, list[str]] = {}
        for event in self._of(Report):
            assert isinstance(event, Report)
            where = f" in {event.report}" if event.report != "other" else ""
            told.setdefault(where, []).append(event.code or "no code")
        for where, codes in told.items():
            yield f"The failure was reported{where} with {listed(codes)}."

    def _operator(self) -> Iterator[str]:
        asked = self._of(Operator)
        if asked:
            names = sorted({event.by for event in asked if isinstance(event, Operator)})
            often = "once" if len(asked) == 1 else count(len(asked), "time")
            yield f"A person was asked {often} ({listed(names)})."

    def _outages(self) -> Iterator[str]:
        for event in self._of(Outage):
            assert isinstance(event, Outage)
            what = "no time can be trusted" if event.of == "clock" else "nothing is known"
            fault = ", its own fault and nobody else's" if event.of == "bench" else ""
            yield (
                f"From {moment(event.from_)} for {span(event.to - event.from_)} {what}: "
                f"an outage of the {event.of}{fault}."
            )

    def _transfer(self) -> Iterator[tuple[Micros, str]]:
        for event, _ in self._switches("DCC"):
            yield event.at, f"The account went to DCC, {self._after(event)}."

    def _switch_back(self) -> Iterator[str]:
        for event, by in self._switches("SMSO"):
            yield f"The account was switched back to the SMSO by {by}, {self._after(event)}."

    def _switches(self, to: str) -> Iterator[tuple[Account, str]]:
        """The events that moved the account there; one that repeats the holder moved nothing."""
        holder = "SMSO"
        for event in self._of(Account):
            assert isinstance(event, Account)
            if event.holder != holder and event.holder == to:
                party = event.actor or "somebody the trace does not name"
                yield event, f"the {party}" if party in _PARTIES else party
            holder = event.holder

    def _end(self) -> Iterator[str]:
        closed = next((event for event in self._events if isinstance(event, Closed)), None)
        if closed is None:
            yield "The passage is not closed."
            return
        after = f" after {span(closed.at - self._at)}" if closed.at > self._at else ""
        yield f"It closed as {closed.outcome}{after}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _key_state(states: Sequence[Key]) -> str:
    last = states[-1]
    if last.state == "unknown" or last.proof == "none":
        return "which key it holds is not proven"
    how = {"ack": "acknowledged", "probe": "proven by a probe"}[last.proof]
    doubted = any(event.state == "unknown" for event in states[:-1])
    restored = last.state == "old" and any(event.state == "new" for event in states)
    return (
        f"{last.state} {last.key} key, {how}"
        + (" after it had been in doubt" if doubted else "")
        + ("; the old key was restored" if restored else "")
    )


def _section(section: str) -> str:
    return section if section == "commissioning" else f"section {section}"


def _chain(section: str, what: str, made: Sequence[Attempt]) -> str:
    """`Section 3.4.1 was tried 6 times, 4 h apart: 5 failed (MA001), the sixth succeeded.`"""
    waits = sorted(
        (later.at if later.started is None else later.started) - earlier.at
        for earlier, later in pairwise(made)
        if later.number > earlier.number
    )
    apart = ""
    if waits:
        low, high = span(waits[0]), span(waits[-1])
        apart = f", {low} apart" if low == high else f", {low} to {high} apart"
    counted = [
        f"{number} {word}"
        for outcome, word in (("failed", "failed"), ("unknown", "left it unknown"))
        if (number := sum(attempt.outcome == outcome for attempt in made))
    ]
    codes = sorted({attempt.code for attempt in made if attempt.code})
    ending = " and ".join(counted) + (f" ({', '.join(codes)})" if codes else "")
    if made[-1].outcome == "succeeded":
        number = made[-1].number
        name = _ORDINALS[number - 1] if number <= len(_ORDINALS) else f"attempt {number}"
        ending += (
            f"{', ' if ending else ''}{'the ' if number <= len(_ORDINALS) else ''}{name} succeeded"
        )
    elif not made[-1].retryable:
        ending += "; no retry could mend the last"
    tried = "once" if len(made) == 1 else f"{len(made)} times"
    of = f" ({what})" if what else ""
    return f"Section {section}{of} was tried {tried}{apart}: {ending}."


def _blamed(who: Blame, name: str) -> str:
    match who:
        case Blame.DEVICE:
            return "That is for whoever owns the device to look at; the bench worked."
        case Blame.PARTY:
            return f"That is for {name or 'that party'} to look at; device and bench worked."
        case Blame.NOBODY:
            return "The trace does not tell whose fault that is."


def _next_command(events: Sequence[Event], replay: str) -> str:
    withdrawn = any(isinstance(e, Closed) and e.outcome == "withdrawn" for e in events)
    outage = any(isinstance(e, Outage) and e.of == "bench" for e in events)
    if withdrawn or outage:
        return "It was stopped from outside or the bench failed; look at it: smets1-bench doctor"
    if replay:
        return f"To see it again: {replay}"
    return "To judge it again: smets1-bench check trace.jsonl"
