"""Section 2.5.2 [S row 10]: the S1SP Required File Set within its limit of the MVF (group DA)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bench.conformance.facts import Filed
from bench.conformance.limits import Limits
from bench.conformance.passage import Passage
from bench.conformance.rule import NOT_EXERCISED, Outcome, rule
from bench.conformance.timing import FAIL, INCONCLUSIVE, PASS, Timing
from bench.conformance.wording import said
from bench.units import Micros, format_instant
from bench.verdict import Verdict


class FileSet(NamedTuple):
    """How the file set stood against its limit.

    `rfs` is the first RFS received, None where none was; `missed` is FAIL where the limit was
    missed, INCONCLUSIVE where nobody can say; `due` is when the limit ran out, None where the
    limit is unsourced.
    """

    mvf: Filed
    rfs: Filed | None
    missed: Verdict
    due: Micros | None


def file_set(passage: Passage, limits: Limits) -> FileSet | None:
    """None where there is no MVF, or no RFS and the limit had not passed at the passage's end.

    The limit runs from the first MVF generated to the first RFS received; an RFS before the MVF is
    in time. The end of a passage is its close, or while it is open the trace's end.
    """
    mvf = next(iter(passage.generated("MVF")), None)
    if mvf is None:
        return None
    rfs = next((f for f in passage.files.get("RFS", ()) if not f.generated), None)
    if rfs is not None and rfs.seq < mvf.seq:
        return FileSet(mvf, rfs, PASS, None)
    limit = limits.number("2.5.2.file-set-limit")
    if limit is None:
        return FileSet(mvf, rfs, INCONCLUSIVE, None)
    due = mvf.at + limit
    timing = Timing(limits.tolerance, passage.uncertainty, limits.exclusive)
    known_until = passage.until if rfs is None else rfs.at
    missed = timing.in_time(known_until - mvf.at, limit)
    if rfs is None and missed is PASS:
        return None
    # An outage after the limit does not bring back what did not come before it.
    if passage.blackouts.spoil(mvf.at, min(known_until, due + passage.uncertainty)):
        missed = INCONCLUSIVE
    return FileSet(mvf, rfs, missed, due)


@rule("2.5.2-file-set-limit")
def file_set_limit(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """2.5.2 [S row 10]: the RFS within the limit of the MVF, or the installation is reported."""
    found = file_set(passage, limits)
    if found is None:
        return NOT_EXERCISED
    mvf, rfs, verdict, _ = found
    report = passage.report_after(mvf.seq)
    lines = [mvf.where]
    if rfs is not None:
        lines.append(rfs.where)
        took = rfs.at - mvf.at
        observed = f"RFS {said(took)} after the MVF" if took >= 0 else "RFS before the MVF"
    elif passage.ended is not None:
        lines.append(passage.ended.where)
        observed = f"no RFS until the close, {said(passage.until - mvf.at)} after the MVF"
    else:
        observed = f"no RFS in the {said(passage.until - mvf.at)} known after the MVF"
    if verdict is not PASS:
        if report is not None:
            verdict = PASS
            lines.append(report.where)
            observed += ", reported as a failure"
        elif verdict is FAIL and passage.blackouts.could_hide_after(mvf.at):
            verdict = INCONCLUSIVE
    limit = limits.number("2.5.2.file-set-limit")
    return (
        Outcome(
            verdict,
            tuple(lines),
            "unsourced" if limit is None else f"RFS within {said(limit)} or a report of failure",
            observed,
            _LIMIT_SAYS[verdict],
            final=True,
        ),
    )


_LIMIT_SAYS = {
    PASS: "The S1SP held the RFS in time, or the installation was reported as a failure.",
    INCONCLUSIVE: "Whether the RFS came in time cannot be judged: the clock is not certain enough,"
    " an outage lies in the span or could hide a report, or the limit has no source.",
    FAIL: "The S1SP did not hold the RFS in time, and no failure was reported.",
}


@rule("2.5.2-stops")
def stops(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """2.5.2 [S row 10], read: after the missed limit the passage goes no further.

    An attempt counts from its start: one under way when the limit runs out was not made after it.
    Where nobody can say whether the limit was missed, the rule is exercised only by an act that
    would break it.
    """
    found = file_set(passage, limits)
    if found is None or found.missed is PASS:
        return NOT_EXERCISED
    if found.due is None:
        acts, surely = [], []
    else:
        acts = [act for act in _acts(passage) if act.at > found.due - passage.uncertainty]
        surely = [act for act in acts if act.at > found.due + passage.uncertainty]
    if found.missed is INCONCLUSIVE:
        if not acts:
            return NOT_EXERCISED
        verdict, shown = INCONCLUSIVE, acts
    elif surely:
        verdict, shown = FAIL, surely
    else:
        verdict, shown = (INCONCLUSIVE, acts) if acts else (PASS, [])
    due = "unsourced" if found.due is None else format_instant(found.due)
    first = min(shown, default=None)
    return (
        Outcome(
            verdict,
            (found.mvf.where,) if first is None else (found.mvf.where, first.where),
            f"no further act of the migration after {due}",
            "none"
            if first is None
            else f"{first.what} at {format_instant(first.at)}"
            + (f", {len(shown)} such acts in all" if len(shown) > 1 else ""),
            _STOPS_SAYS[verdict],
        ),
    )


_STOPS_SAYS = {
    PASS: "After the limit for the RFS was missed the migration went no further.",
    INCONCLUSIVE: "The migration went on; whether the limit for the RFS had been missed by then"
    " cannot be judged.",
    FAIL: "The migration went on after the limit for the RFS was missed.",
}


class _Act(NamedTuple):
    seq: int
    at: Micros
    where: int
    what: str


def _acts(passage: Passage) -> list[_Act]:
    """What must not happen after the limit: retries of the key rotation and all that follows."""
    acts = [
        _Act(tried.seq, tried.started, tried.where, "an attempt of 3.3")
        for key, chains in passage.chains.items()
        if key[0] == "3.3"
        for chain in chains
        for tried in chain
    ]
    acts += [_Act(*k[:3], "a new key") for k in passage.key_events if k.state == "new"]
    acts += [_Act(*update[:3], "an update of the SMI") for update in passage.smi if update.updated]
    acts += [_Act(*file[:3], "an SCF") for file in passage.files.get("SCF", ())]
    acts += [
        _Act(*s[:3], "a step of commissioning") for s in passage.steps.get("commissioning", ())
    ]
    return acts
