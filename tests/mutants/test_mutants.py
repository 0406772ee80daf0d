"""Checker against oracle, over mutants of traces; `python tests/mutants 1000` goes deeper."""

import os
from collections.abc import Mapping
from typing import Any

import oracle
import pytest
from mutating import TOLERANCE, Tally, constructed, from_fixtures, mutate, run, strategies

from bench.conformance.limits import Limits, pinned_limits
from bench.conformance.passage import Passage
from bench.conformance.rule import RULES

DEEP = int(os.environ.get("SMETS1_BENCH_MUTANTS", "0"))

# The MAM does not provide for it, so nothing breaks it.
UNBREAKABLE = {"MAM-split-prepayment"}


@pytest.fixture(scope="module")
def built() -> Tally:
    return run(constructed(), DEEP or 200)


def test_checker_and_oracle_agree_on_whole_passages(built: Tally) -> None:
    assert built.disagreements == []


def test_every_rule_is_broken_and_caught(built: Tally) -> None:
    unbroken = {rule for rule in oracle.PREDICATES if not built.breaking[rule]}
    assert unbroken == UNBREAKABLE
    assert built.killed == built.breaking


def test_checker_and_oracle_agree_on_written_traces() -> None:
    tally = run(from_fixtures(), DEEP or 4)
    assert tally.mutants > tally.no_trace
    assert tally.disagreements == []


class Recording(dict[str, Any]):
    """Parameters that remember which of them were asked for."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def test_a_rule_uses_the_parameters_that_the_strategy_gives_it() -> None:
    """What the data says decides the status and which readings are tried: it must be the truth."""
    strategy = strategies()[0]
    pinned = pinned_limits(strategy, TOLERANCE)
    asked: dict[str, set[str]] = {name: set() for name in RULES}
    for name, events in constructed().items():
        for number in range(20):
            mutant = mutate(f"{name}#{number}", events) if number else events
            passage = Passage(mutant[0], mutant[0].at, 1)
            for line, event in enumerate(mutant[1:], 2):
                passage.add(event, event.at, line)
            values = Recording(pinned.values)
            for rule, function in RULES.items():
                values.asked.clear()
                function(passage, Limits(pinned.tolerance, values))
                asked[rule] |= values.asked
    assert asked == {name: set(strategy.rules[name].parameters) for name in RULES}
