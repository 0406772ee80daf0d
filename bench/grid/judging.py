"""How a run really ended, by the emulator's truth; what the engine believes is held against it.

An installation must end in one of three ways: the old operator with the old keys, the new operator
with the new keys, or parked with an incident. Only the traces's events, the keys that are kept and
the truth are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.devices import KeySlot, Role
from bench.emulation import Truth
from bench.installation import Installation
from bench.parties import Group, Holder
from bench.trace import Account, Closed, Event, Incident, Key, Report

SUA = KeySlot.SUA


class End(StrEnum):
    """How an installation ended, or a single act. From `WRONG_KEY` on: red."""

    NEW = "new operator, new keys"
    OLD = "old operator, old keys"
    PARKED = "parked with an incident"
    UNHEARD = "parked and reported, the incident desk being silent for good"
    DONE = "done, and proven"
    NOT_DONE = "not done, and known not to be"
    IN_DOUBT = "in doubt, and said to be"
    WRONG_KEY = "wrong belief about a key"
    KEY_LOST = "a key that nobody keeps"
    WRONG_ACCOUNT = "wrong belief about the account"
    ORPHAN = "orphan"
    LOCKED = "meter locked by the bench's own probes"
    WRONG_ACT = "wrong belief about an act"
    TWICE = "an act done twice"
    BROKEN = "the engine broke"

    @property
    def red(self) -> bool:
        return self not in _GOOD


_GOOD = frozenset({End.NEW, End.OLD, End.PARKED, End.UNHEARD, End.DONE, End.NOT_DONE, End.IN_DOUBT})


@dataclass(frozen=True, slots=True)
class Kept:
    """The check values that the key ring keeps for a device; `current`: the one it goes by."""

    current: str
    others: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ended:
    end: End
    why: str = ""


def judge(
    installation: Installation,
    outcome: str,
    events: Sequence[Event],
    kept: Mapping[str, Kept],
    before: Truth,
    after: Truth,
    reset: frozenset[str] = frozenset(),
    *,
    desk_silent: bool = False,
) -> Ended:
    """`reset`: meters that a fault set back to factory keys, which nobody can know.

    `desk_silent`: a fault silenced the incident desk for good; then a report is all there can be.
    Whatever is wrong with several things at once, the gravest counts.
    """
    meters = [device.name for device in installation.meters if device.name not in reset]
    gt01 = any(isinstance(event, Report) and event.code == "GT01" for event in events)
    left_behind = {d.name for d in installation.with_role(Role.GAS_METER)} if gt01 else set()
    held = {name: _held(name, before, after) for name in meters}
    parked = outcome == "parked"
    if (wrong := _wrong_key(events, kept, held, after, parked=parked)) is not None:
        return wrong
    locked = [name for name in meters if after.devices[name].locked_until is not None]
    if locked:
        return Ended(End.LOCKED, ", ".join(locked))
    if parked:
        raised = any(isinstance(e, Incident) and e.outcome == "raised" for e in events)
        if raised:
            return Ended(End.PARKED)
        if desk_silent and any(isinstance(event, Report) for event in events):
            return Ended(End.UNHEARD)
        return Ended(End.ORPHAN, "parked without an incident")
    switches = [event.holder for event in events if isinstance(event, Account)]
    believed = switches[-1] if switches else Holder.SMSO
    if believed != after.account:
        return Ended(End.WRONG_ACCOUNT, f"believed {believed}, is {after.account}")
    new = {name for name, state in held.items() if state == "new"}
    if after.account == Holder.SMSO:
        return _side(End.OLD, after.account, sorted(new), "new")
    if installation.group is Group.DA:
        behind = sorted(set(meters) - new - left_behind)
        if behind:
            return _side(End.NEW, after.account, behind, "old")
    if outcome != "commissioned" and not _reported_at_commissioning(events):
        return Ended(End.ORPHAN, f"closed {outcome} with the account at the {after.account}")
    return Ended(End.NEW)


def _held(name: str, before: Truth, after: Truth) -> str:
    same = before.devices[name].keys[SUA].check_value == after.devices[name].keys[SUA].check_value
    return "old" if same else "new"


def _wrong_key(
    events: Sequence[Event],
    kept: Mapping[str, Kept],
    held: Mapping[str, str],
    after: Truth,
    *,
    parked: bool,
) -> Ended | None:
    believed = {event.device: event for event in events if isinstance(event, Key)}
    for name, is_held in held.items():
        event = believed.get(name)
        state = "old" if event is None else event.state
        in_doubt = event is not None and event.proof == "none"
        if not (in_doubt and parked) and state != is_held:
            return Ended(End.WRONG_KEY, f"{name}: believed {state}, is {is_held}")
        really = after.devices[name].keys[SUA].check_value
        ring = kept[name]
        if really != ring.current and not (parked and really in ring.others):
            end = End.KEY_LOST if really not in ring.others else End.WRONG_KEY
            return Ended(end, f"{name}: holds a key that the ring does not go by")
    return None


def _side(good: End, account: Holder, others: Sequence[str], state: str) -> Ended:
    if not others:
        return Ended(good)
    return Ended(
        End.ORPHAN, f"the account is with the {account}, {', '.join(others)} on the {state} key"
    )


def _reported_at_commissioning(events: Sequence[Event]) -> bool:
    """Failed at commissioning steps: it stays with the new operator, reported in MRR6 [S row 5]."""
    last = max(i for i, event in enumerate(events) if isinstance(event, Closed))
    return any(
        isinstance(event, Report) and event.code == "MA122" and event.report == "MRR6"
        for event in events[: last + 1]
    )
