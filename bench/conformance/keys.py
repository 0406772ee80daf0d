"""The bench's own invariants: a key in doubt, and an installation left between two parties."""

from __future__ import annotations

from collections.abc import Sequence

from bench.conformance.limits import Limits
from bench.conformance.passage import Passage
from bench.conformance.rule import NOT_EXERCISED, Outcome, rule
from bench.conformance.timing import FAIL, INCONCLUSIVE, PASS

_HELD = frozenset({"parked", "withdrawn"})


@rule("BENCH-key-proof")
def key_proof(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """While a key is in doubt the account stays, and the case closes only as parked or withdrawn.

    A failure rests on the missing proof: one that an outage could hide leaves it inconclusive.
    """
    if passage.first_doubt is None:
        return NOT_EXERCISED
    verdict = PASS
    where: tuple[int, ...] = (passage.first_doubt,)
    observed = "as expected"
    moments = [
        (switch.doubt_at, switch.doubt_where, switch.at, switch.where, "the account went back")
        for switch in passage.accounts
        if not switch.to_dcc
    ]
    ended = passage.ended
    if ended is not None and ended.outcome not in _HELD:
        closing = f"closed {ended.outcome}"
        moments.append((ended.doubt_at, ended.doubt_where, ended.at, ended.where, closing))
    for doubt_at, doubt_where, at, line, what in moments:
        if doubt_at is None or doubt_where is None:
            continue
        judged = INCONCLUSIVE if passage.blackouts.could_hide(doubt_at, at) else FAIL
        if judged > verdict:
            verdict, where, observed = judged, (doubt_where, line), f"{what} with a key in doubt"
    return (
        Outcome(
            verdict,
            where,
            "a key in doubt is proven first, or the case parked",
            observed,
            "A lost acknowledgement cannot be told from a lost command: a key in doubt is probed"
            " before the account moves, or the case is parked.",
        ),
    )


@rule("BENCH-no-orphan")
def no_orphan(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """Account and keys end on the same side, or the case is parked with an incident."""
    ended = passage.ended
    if ended is None or ended.outcome == "withdrawn":
        return NOT_EXERCISED
    new = [key for key in passage.keys.values() if key.state == "new"]
    behind = [d for d in passage.touched if d not in passage.keys or passage.keys[d].state != "new"]
    raised = any(i.raised and i.seq < ended.seq for i in passage.incidents)
    at_dcc = passage.at_dcc
    if (
        (not at_dcc and not new)
        or (at_dcc and passage.keys and not behind)
        or (ended.outcome == "parked" and raised)
    ):
        verdict = PASS
    else:
        verdict = INCONCLUSIVE if _could_be_whole(passage, behind, raised=raised) else FAIL
    holder = "DCC" if at_dcc else "SMSO"
    observed = f"account at the {holder}, {len(new)} of {len(passage.touched)} devices on a new key"
    return (
        Outcome(
            verdict,
            (ended.where,),
            "account and keys on the same side, or parked after an incident",
            f"{observed}, closed {ended.outcome}",
            "An installation is not left with its account on one side and its keys on the other.",
        ),
    )


def _could_be_whole(passage: Passage, behind: Sequence[str], *, raised: bool) -> bool:
    """Whether unseen events in outages could have mended what was seen at the close."""
    ended = passage.ended
    assert ended is not None
    close = ended.at
    hide = passage.blackouts.could_hide
    if not passage.outages:
        return False
    if ended.outcome == "parked" and not raised and hide(passage.began, close):
        return True
    switched = passage.accounts[-1].at if passage.accounts else passage.began
    keys = passage.keys.values()
    smso = not passage.at_dcc or hide(switched, close)
    if smso and all(hide(key.at, close) for key in keys if key.state == "new"):
        return True
    if not (passage.at_dcc or hide(switched, close)):
        return False
    if not passage.keys and not hide(passage.began, close):
        return False
    return all(
        hide(passage.keys[device].at if device in passage.keys else passage.began, close)
        for device in behind
    )
