"""Checks that must have passed before something may happen: 2.4.1.1, 2.4.4, 2.4.5 and 2.5.1.1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.conformance.facts import Filed, Switched
from bench.conformance.limits import Limits
from bench.conformance.passage import Passage
from bench.conformance.rule import NOT_EXERCISED, Outcome, rule
from bench.conformance.timing import FAIL, INCONCLUSIVE, PASS
from bench.parties import Actor


def _passed_before(
    passage: Passage,
    moments: Iterable[Filed | Switched],
    sections: tuple[str, ...],
    what: str,
    by: str | None = None,
) -> Sequence[Outcome]:
    """Each moment has every section last passed before it; `by` must do the last, if it is named.

    A pass that is missing can have come in an outage after the section's last step.
    """
    verdict = PASS
    where: tuple[int, ...] = ()
    observed = "as expected"
    for moment in moments:
        where = where or (moment.where,)
        for section in sections:
            step = passage.last_step(section, moment.seq)
            if step is None:
                fault, since = f"no step {section} before {what}", passage.began
            elif not step.passed:
                fault, since = f"step {section} last failed before {what}", step.at
            elif by is not None and section == sections[-1] and step.actor not in (None, by):
                fault, since = f"step {section} was done by {step.actor}, not by {by}", step.at
            else:
                continue
            hidden = passage.blackouts.could_hide(since, moment.at)
            judged = INCONCLUSIVE if hidden else FAIL
            if judged > verdict:
                verdict, observed = judged, fault
                where = (moment.where,) if step is None else (step.where, moment.where)
    if not where:
        return NOT_EXERCISED
    named = " and ".join(sections)
    message = f"{what[:1].upper()}{what[1:]} must come after section {named} passed."
    if verdict is INCONCLUSIVE:
        message += " What is missing could have come in an outage."
    return (Outcome(verdict, where, f"{named} passed before {what}", observed, message),)


@rule("2.4.1.1-before-mcf")
def before_mcf(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """2.4.1.1 [S row 7]: the installation level checks passed before the MCF is generated."""
    return _passed_before(passage, passage.generated("MCF"), ("2.4.1.1",), "the MCF")


@rule("2.4-both-validations")
def both_validations(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """2.4.4 and 2.4.5 [S row 8]: both passed before the MVF, 2.4.5 by the IOC S1SP."""
    return _passed_before(
        passage, passage.generated("MVF"), ("2.4.4", "2.4.5"), "the MVF", by=Actor.IOC_S1SP
    )


@rule("2.5.1.1-before-switch")
def before_switch(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """2.5.1.1 [S row 9]: its checks passed before the account goes to the DCC."""
    switches = [switch for switch in passage.accounts if switch.to_dcc]
    return _passed_before(passage, switches, ("2.5.1.1",), "the account went to the DCC")
