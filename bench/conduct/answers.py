"""Answers: a device that nothing is wrong with is heard, does what it is asked, and says so."""

from __future__ import annotations

from collections.abc import Iterator

from bench.conduct.breach import Breach, Watched, done
from bench.devices import DisplayState, HanDevice, Role, WanState
from bench.errors import Interrupted, PeerError, Refused
from bench.invariant import Invariant
from bench.units import format_duration

RIGHTLY_REFUSED = ("counter-not-newer", "locked-out")
"""A device defends itself; whether it had to is judged otherwise."""


def answers(watched: Watched) -> Iterator[Breach]:
    for device in watched.installation.devices:
        yield from _refused_or_silent(watched, device.name)
        if device.role is Role.COMMS_HUB:
            yield from _off_the_wan(watched, device.name)
            yield from _table(watched, device.name)
        elif device.role is Role.IHD:
            yield from _display(watched, device.name)


def _refused_or_silent(watched: Watched, name: str) -> Iterator[Breach]:
    counts: dict[str, int] = {}
    for act in watched.asked(name):
        counts[act.operation] = counts.get(act.operation, 0) + 1
        asked = f"{act.operation}, asked the {_nth(counts[act.operation])} time"
        if isinstance(act.answer, Refused):
            if act.answer.code not in RIGHTLY_REFUSED:
                detail = f"{asked}: {act.answer.code}"
                yield Breach(name, Invariant.REFUSED, detail, act.at)
        elif isinstance(act.answer, PeerError) and not isinstance(act.answer, Interrupted):
            detail = f"{asked}: {act.answer.says}"
            yield Breach(name, Invariant.UNANSWERED, detail, act.at)


def _nth(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


def _off_the_wan(watched: Watched, name: str) -> Iterator[Breach]:
    """One SMS that arrives must bring it onto the WAN; one may be lost on its way."""
    woken = 0
    for act in watched.asked(name, "wake", "wan_state"):
        if act.operation == "wake":
            woken += done(act)
        elif isinstance(act.answer, WanState):
            if act.answer.connected:
                woken = 0
            elif woken > 1:
                detail = f"{woken} SMS woke it, and it is not on the WAN"
                yield Breach(name, Invariant.OFF_THE_WAN, detail, act.at)


def _table(watched: Watched, hub: str) -> Iterator[Breach]:
    for act in watched.asked(hub, "han_devices"):
        rows: object = act.answer
        for row in rows if isinstance(rows, tuple) else ():
            assert isinstance(row, HanDevice), "as the common interface says"
            spec = watched.spec(row.eui64)
            if spec is None:
                continue
            if not row.joined:
                detail = "the hub's table has it no more"
                yield Breach(spec.name, Invariant.HAN, detail, act.at)
            elif row.last_heard is not None and hub not in watched.struck:
                silent = act.at - row.last_heard
                if silent > watched.han_silence:
                    detail = f"the hub heard it {format_duration(silent)} ago"
                    yield Breach(spec.name, Invariant.UNHEARD, detail, act.at)


def _display(watched: Watched, name: str) -> Iterator[Breach]:
    hub = watched.installation.hub.eui64
    for act in watched.asked(name, "display_state"):
        state = act.answer
        if isinstance(state, DisplayState) and state.joined_to != hub:
            shown = state.joined_to or "no hub"
            detail = f"it states to be joined to {shown}, not to {hub}"
            yield Breach(name, Invariant.HAN, detail, act.at)
