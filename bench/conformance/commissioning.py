"""Annex A.1 [S row 5]: a failure at commissioning is reported in MRR6 with code MA122."""

from __future__ import annotations

from collections.abc import Sequence

from bench.conformance.limits import Limits
from bench.conformance.passage import Passage
from bench.conformance.rule import NOT_EXERCISED, Outcome, rule
from bench.conformance.timing import FAIL, INCONCLUSIVE, PASS


@rule("A.1-ma122")
def ma122(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """A.1 [S row 5]: the report follows the last failure of commissioning, also after the close."""
    ended = passage.ended
    steps = passage.steps.get("commissioning")
    if ended is None or ended.outcome in ("commissioned", "withdrawn") or not steps:
        return NOT_EXERCISED
    failure = steps[-1]
    if failure.passed:
        return NOT_EXERCISED
    reports = [report for report in passage.reports if report.seq > failure.seq]
    right = next((r for r in reports if (r.report, r.code) == ("MRR6", "MA122")), None)
    if right is not None:
        verdict, observed = PASS, "reported"
    else:
        hidden = passage.blackouts.could_hide_after(failure.at)
        verdict = INCONCLUSIVE if hidden else FAIL
        observed = _said(reports[0].report, reports[0].code) if reports else "no report"
        if hidden:
            observed += ", but an outage could hide it"
    return (
        Outcome(
            verdict,
            (failure.where, ended.where if right is None else right.where),
            "a report in MRR6 with code MA122",
            observed,
            "An installation that failed at commissioning is reported in MRR6 with code MA122.",
        ),
    )


def _said(report: str, code: str | None) -> str:
    return f"reported in {report} " + (f"with code {code}" if code else "without a code")
