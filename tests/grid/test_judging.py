"""How an end is judged: by what is really so, against what was believed and is kept."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bench.devices import KeySlot
from bench.emulation import DeviceTruth, KeyTruth, Truth
from bench.grid.judging import End, Kept, judge
from bench.grid.trial import installation_of
from bench.parties import Holder
from bench.trace import Account, Closed, Event, Incident, Key, Report

E, G = "electricity", "gas"
OLD = {E: "old-e", G: "old-g"}
NEW = {E: "new-e", G: "new-g"}
DA, IOC = "da-dual-fuel", "ioc-dual-fuel"


def truth(
    keys: Mapping[str, str], holder: Holder, *, updated: bool = True, locked: str = ""
) -> Truth:
    devices = {
        name: DeviceTruth(
            {KeySlot.SUA: KeyTruth(1, key)}, locked_until=9 if name == locked else None
        )
        for name, key in keys.items()
    }
    return Truth(holder, updated, devices)


def account(holder: Holder) -> Event:
    return Account(at=1, installation="I", holder=holder)


def key(device: str, state: str, proof: str = "probe") -> Event:
    return Key(at=1, installation="I", device=device, key="SUA", state=state, proof=proof)


def report(code: str, name: str = "other") -> Event:
    return Report(at=1, installation="I", report=name, outcome="failure", code=code)


def closed(outcome: str) -> Event:
    return Closed(at=2, installation="I", outcome=outcome)


RAISED = Incident(at=1, installation="I", incident="1", outcome="raised", acting_party="DSP")
TO_DCC = account(Holder.DCC)
BOTH_NEW = (key(E, "new"), key(G, "new"))


def ring(keys: Mapping[str, str], **others: str) -> dict[str, Kept]:
    return {name: Kept(held, frozenset({others.get(name, "")})) for name, held in keys.items()}


# installation, outcome, events, what the ring keeps, what is held, who has the account, end
CASES = [
    (DA, "commissioned", (TO_DCC, *BOTH_NEW), ring(NEW), NEW, Holder.DCC, End.NEW),
    (DA, "resubmittable", (TO_DCC, account(Holder.SMSO)), ring(OLD), OLD, Holder.SMSO, End.OLD),
    (DA, "failed", (), ring(OLD), OLD, Holder.SMSO, End.OLD),
    (IOC, "commissioned", (TO_DCC,), ring(OLD), OLD, Holder.DCC, End.NEW),
    (IOC, "failed", (TO_DCC, report("MA122", "MRR6")), ring(OLD), OLD, Holder.DCC, End.NEW),
    # parked: whatever the sides, as long as somebody was called and nothing was claimed
    (DA, "parked", (TO_DCC, RAISED), ring(OLD), OLD, Holder.DCC, End.PARKED),
    (DA, "parked", (TO_DCC,), ring(OLD), OLD, Holder.DCC, End.ORPHAN),
    (
        DA,
        "parked",
        (TO_DCC, RAISED, key(E, "unknown", "none")),
        ring(OLD, electricity="new-e"),
        {E: "new-e", G: "old-g"},
        Holder.DCC,
        End.PARKED,
    ),
    (
        DA,
        "parked",
        (TO_DCC, RAISED, key(E, "unknown", "none")),
        ring(OLD),
        {E: "new-e", G: "old-g"},
        Holder.DCC,
        End.KEY_LOST,
    ),
    # beliefs
    (DA, "failed", (), ring(OLD), {E: "new-e", G: "old-g"}, Holder.SMSO, End.WRONG_KEY),
    (DA, "commissioned", (TO_DCC, *BOTH_NEW), ring(NEW), OLD, Holder.DCC, End.WRONG_KEY),
    (
        DA,
        "commissioned",
        (TO_DCC, *BOTH_NEW),
        {E: Kept("new-e", frozenset()), G: Kept("older", frozenset({"new-g"}))},
        NEW,
        Holder.DCC,
        End.WRONG_KEY,
    ),
    (
        DA,
        "commissioned",
        (TO_DCC, *BOTH_NEW),
        {E: Kept("new-e", frozenset()), G: Kept("other", frozenset())},
        NEW,
        Holder.DCC,
        End.KEY_LOST,
    ),
    (DA, "failed", (), ring(OLD), OLD, Holder.DCC, End.WRONG_ACCOUNT),
    (DA, "commissioned", (TO_DCC, *BOTH_NEW), ring(NEW), NEW, Holder.SMSO, End.WRONG_ACCOUNT),
    # between two sides
    (DA, "resubmittable", (*BOTH_NEW,), ring(NEW), NEW, Holder.SMSO, End.ORPHAN),
    (
        DA,
        "commissioned",
        (TO_DCC, key(E, "new")),
        ring({E: "new-e", G: "old-g"}),
        {E: "new-e", G: "old-g"},
        Holder.DCC,
        End.ORPHAN,
    ),
    (
        DA,
        "commissioned",
        (TO_DCC, report("GT01"), key(E, "new")),
        ring({E: "new-e", G: "old-g"}),
        {E: "new-e", G: "old-g"},
        Holder.DCC,
        End.NEW,
    ),
    (IOC, "failed", (TO_DCC,), ring(OLD), OLD, Holder.DCC, End.ORPHAN),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}-{case[6].name}")
def test_an_end(
    case: tuple[str, str, tuple[Event, ...], dict[str, Kept], dict[str, str], Holder, End],
) -> None:
    name, outcome, events, kept, held, holder, end = case
    before = truth(OLD, Holder.SMSO)
    after = truth(held, holder)
    told = (*events, closed(outcome))
    got = judge(installation_of(name), outcome, told, kept, before, after)
    assert got.end is end, got.why


def test_a_meter_that_the_probes_locked_is_red() -> None:
    after = truth(OLD, Holder.SMSO, locked=G)
    before = truth(OLD, Holder.SMSO)
    events = (closed("failed"),)
    ended = judge(installation_of(DA), "failed", events, ring(OLD), before, after)
    assert ended.end is End.LOCKED


def test_nobody_can_know_a_key_that_a_factory_reset_made() -> None:
    after = truth({E: "factory", G: "old-g"}, Holder.SMSO)
    before = truth(OLD, Holder.SMSO)
    events = (closed("failed"),)
    reset = frozenset({E})
    ended = judge(installation_of(DA), "failed", events, ring(OLD), before, after, reset)
    assert ended.end is End.OLD


def test_a_desk_that_is_silent_for_good_leaves_a_report_only() -> None:
    before, after = truth(OLD, Holder.SMSO), truth(OLD, Holder.DCC)
    events = (TO_DCC, report("BENCH-NO-INCIDENT"), closed("parked"))
    kit = installation_of(DA)
    heard = judge(kit, "parked", events, ring(OLD), before, after)
    assert heard.end is End.ORPHAN
    ended = judge(kit, "parked", events, ring(OLD), before, after, desk_silent=True)
    assert ended.end is End.UNHEARD
