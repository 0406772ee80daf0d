"""What does not exist for group DA: an MGF, and the sections 2.5.9, 2.6.2, 2.6.3 and 2.6.5.

These rules forbid something: they are judged on what was seen.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.conformance.limits import Limits
from bench.conformance.passage import Passage
from bench.conformance.rule import NOT_EXERCISED, Outcome, RuleFunction, rule
from bench.conformance.timing import FAIL, PASS
from bench.conformance.wording import times


def _absent(
    passage: Passage, seen: Sequence[tuple[int, int, int]], expected: str, noun: str, why: str
) -> Sequence[Outcome]:
    """`seen` are (seq, at, where, …) of what should not be."""
    if seen:
        observed = times(len(seen), noun)
        return (Outcome(FAIL, (seen[0][2],), expected, observed, why),)
    if passage.ended is None:
        return NOT_EXERCISED
    return (Outcome(PASS, (passage.ended.where,), expected, "none", why),)


@rule("2.5.4-no-mgf")
def no_mgf(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """2.5.4 to 2.5.6 [S row 11]: for group DA there is no MGF."""
    why = "For group DA there is no MGF."
    return _absent(passage, [f[:3] for f in passage.files.get("MGF", ())], "no MGF", "MGF", why)


def _not_entered(section: str, why: str) -> RuleFunction:
    """The rule that a section which does not apply to group DA has no step."""

    def judge(passage: Passage, limits: Limits) -> Sequence[Outcome]:
        steps = [step[:3] for step in passage.steps.get(section, ())]
        return _absent(passage, steps, f"no step {section}", f"step {section}", why)

    judge.__doc__ = why
    return judge


rule("2.5.9-not-entered")(_not_entered("2.5.9", "Section 2.5.9 does not apply to group DA."))
rule("2.6.2-not-entered")(
    _not_entered("2.6.2", "For group DA section 2.4.1.1 stands in for section 2.6.2.")
)
rule("2.6.3-not-entered")(
    _not_entered("2.6.3", "For group DA section 2.4.1.1 stands in for section 2.6.3.")
)
rule("2.6.5-not-entered")(
    _not_entered("2.6.5", "For group DA the rollback stands in section 2.6.4.1, not in 2.6.5.")
)
