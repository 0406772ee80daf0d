"""What the journal holds of one scenario: its acts in order, each with what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from bench.devices import Identity
from bench.journal.entry import Entry, Kind
from bench.journal.gap import Gap
from bench.journal.moment import Moment
from bench.journal.store import JournalDamaged
from bench.journal.values import read

T = TypeVar("T")

_OTHER: Final = (
    "another version of the bench may have written it, which can take it up; docs/journal.md says "
    "what the devices may hold"
)


@dataclass(slots=True)
class Made:
    """An act. `outcome` and `ended` None: the run stopped in the middle of it, or before its end
    was kept.
    """

    target: str
    operation: str
    arguments: str
    began: Moment
    outcome: str | None = None
    ended: Moment | None = None


@dataclass(slots=True)
class Recording:
    """`gaps`: resumptions by the number of the act before which, or within which, they came.

    `first` and `last` are the moments of its first and last entry; None: it has not begun.
    `identities`: who the devices said they were then. `stopped`: why it was cut short, if it was.
    """

    scenario: str
    first: Moment | None = None
    identities: Mapping[str, Identity] = field(default_factory=dict)
    acts: list[Made] = field(default_factory=list)
    gaps: dict[int, list[Gap]] = field(default_factory=dict)
    last: Moment | None = None
    ended: bool = False
    stopped: str = ""


def recordings(entries: Sequence[Entry]) -> dict[str, Recording]:
    """By the scenario's name. Raises `JournalDamaged` where the entries make no sense."""
    found: dict[str, Recording] = {}
    current: Recording | None = None
    for entry in entries:
        if entry.kind is Kind.SCENARIO:
            current = found.setdefault(entry.target, Recording(entry.target))
            current.first = current.last = entry.moment
            current.identities = body_of(entry, dict)
        elif entry.kind in (Kind.RUN, Kind.FINISHED):
            continue
        elif current is None:
            raise JournalDamaged(f"an entry of kind {entry.kind} outside every scenario")
        else:
            _take(current, entry)
    return found


def _take(recording: Recording, entry: Entry) -> None:
    acts = recording.acts
    recording.last = entry.moment
    if entry.kind is Kind.ENDED:
        recording.ended = True
        recording.stopped = body_of(entry, str)
        return
    if entry.kind is Kind.RESUMED:
        recording.gaps.setdefault(entry.number, []).append(body_of(entry, Gap))
        return
    expected = len(acts) + (entry.kind is not Kind.RESULT)
    if entry.number != expected or not expected:
        raise JournalDamaged(f"{recording.scenario}: act {entry.number} where {expected} follows")
    if entry.kind is Kind.INTENT:
        acts.append(Made(entry.target, entry.operation, entry.body, entry.moment))
    elif entry.kind is Kind.READING:
        when = entry.moment
        acts.append(Made(entry.target, entry.operation, "", when, entry.body, when))
    else:
        acts[-1].outcome, acts[-1].ended = entry.body, entry.moment


def body_of(entry: Entry, form: type[T]) -> T:
    """What the entry says. Raises `JournalDamaged` where that is nothing of the form."""
    try:
        said = read(entry.body)
    except ValueError as error:
        raise JournalDamaged(f"an entry of kind {entry.kind}: {error}", hint=_OTHER) from None
    if not isinstance(said, form):
        expected = f"expected a {form.__name__}"
        raise JournalDamaged(f"an entry of kind {entry.kind}: {expected}", hint=_OTHER)
    return said
