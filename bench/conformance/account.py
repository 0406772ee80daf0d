"""Sections 2.5.5, 2.5.7, 2.5.8, 2.5.10 [S row 12]: after a failure the account goes back (DA)."""

from __future__ import annotations

from collections.abc import Sequence

from bench.conformance.facts import Stepped, Switched
from bench.conformance.file_set import file_set
from bench.conformance.limits import Limits
from bench.conformance.passage import Passage
from bench.conformance.rule import NOT_EXERCISED, Outcome, rule
from bench.conformance.timing import FAIL, INCONCLUSIVE, PASS
from bench.parties import Actor

_ELSEWHERE = frozenset({"2.6.4.1", "commissioning"})
"""Sections whose failures have a treatment of their own."""


def _failures(passage: Passage) -> list[Stepped]:
    """The failures that ask for a switch-back, in the order of the trace.

    A step failed for good (its section has no later step), with the account at the DCC and no key
    new or in doubt; the passage was closed, and not from outside.
    """
    if passage.outcome in (None, "withdrawn"):
        return []
    last = (steps[-1] for section, steps in passage.steps.items() if section not in _ELSEWHERE)
    return sorted(step for step in last if not step.passed and step.at_dcc and not step.key_moved)


def _switched_back(passage: Passage, failure: Stepped) -> list[Switched]:
    return [s for s in passage.accounts if not s.to_dcc and s.seq > failure.seq]


@rule("2.5.5-switch-back")
def switch_back(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """2.5.5 ff. [S row 12]: the S1SP switches the account back to the SMSO.

    Of several failures the last decides: what comes after it comes after all. A switch-back by the
    S1SP counts for more than one by nobody named, that for more than one by another party.
    """
    failures = _failures(passage)
    if not failures or passage.ended is None:
        return NOT_EXERCISED
    failure = failures[-1]
    backs = _switched_back(passage, failure)
    own = next((back for back in backs if back.actor == Actor.S1SP), None)
    unnamed = next((back for back in backs if back.actor is None), None)
    line = passage.ended.where
    if own is not None:
        verdict, line, observed = PASS, own.where, "switched back by the S1SP"
    elif unnamed is not None:
        verdict, line = INCONCLUSIVE, unnamed.where
        observed = "switched back, by whom is not said"
    else:
        hidden = passage.blackouts.could_hide(failure.at, passage.ended.at)
        verdict = INCONCLUSIVE if hidden else FAIL
        observed = "not switched back"
        if backs:
            line, observed = backs[0].where, f"switched back by {backs[0].actor}"
        if hidden:
            observed += ", but an outage could hide it"
    return (
        Outcome(
            verdict,
            (failure.where, line),
            "the account switched back to the SMSO by the S1SP",
            f"{failure.section} failed, then {observed}",
            "After a failure between the account switch and the key rotation the S1SP switches the"
            " account back to the SMSO.",
        ),
    )


@rule("2.5.5-resubmittable")
def resubmittable(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """2.5.5 ff. [S row 12], read: what was switched back closes as resubmittable.

    `failed` will do where the limit of 2.5.2 was missed and that was reported.
    """
    failures = _failures(passage)
    ended = passage.ended
    if not failures or ended is None:
        return NOT_EXERCISED
    backs = [b for b in _switched_back(passage, failures[0]) if b.actor in (None, Actor.S1SP)]
    if not backs:
        return NOT_EXERCISED
    verdict = PASS if ended.outcome == "resubmittable" else FAIL
    if ended.outcome == "failed":
        found = file_set(passage, limits)
        if found is not None and found.missed is not PASS:
            if passage.report_after(found.mvf.seq) is not None:
                verdict = PASS if found.missed is FAIL else INCONCLUSIVE
            elif passage.blackouts.could_hide_after(found.mvf.at):
                verdict = INCONCLUSIVE
    return (
        Outcome(
            verdict,
            (failures[0].where, backs[0].where, ended.where),
            "closed resubmittable (or failed, after a missed and reported limit of 2.5.2)",
            f"closed {ended.outcome}",
            "The account is switched back so that the installation can be resubmitted.",
        ),
    )
