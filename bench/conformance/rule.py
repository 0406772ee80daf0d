"""What a rule is: a function from a passage and the limits to its outcomes.

A rule returns no outcome where it is not exercised, one for the passage, or one for each chain. It
knows nothing of versions, statuses or other readings: it is called again with the limits of
another reading to see whether the verdict turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from bench.conformance.limits import Limits
from bench.conformance.passage import Passage
from bench.mehrs.strategy import Status
from bench.verdict import Verdict


class Outcome(NamedTuple):
    """One judgement of a rule.

    `where` are lines in the order of the trace, the first the one to look at. `final`: nothing that
    may still come turns it, so it holds for a passage that never closes. `subject` tells the
    chains of one passage apart. `status`: of the clause judged, where it is weaker than the rule's.
    """

    verdict: Verdict
    where: tuple[int, ...]
    expected: str
    observed: str
    message: str
    final: bool = False
    subject: int = 0
    status: Status | None = None


RuleFunction = Callable[[Passage, Limits], Sequence[Outcome]]

NOT_EXERCISED: Final[tuple[Outcome, ...]] = ()

RULES: Final[dict[str, RuleFunction]] = {}
"""Every rule that the checker knows, by its id."""


def rule(name: str) -> Callable[[RuleFunction], RuleFunction]:
    """Enters the function as the rule of that id."""

    def enter(function: RuleFunction) -> RuleFunction:
        assert name not in RULES, f"two functions for rule {name}"
        RULES[name] = function
        return function

    return enter
