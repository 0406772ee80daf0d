"""Counts add up in any order, and come back from a file as they went into it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bench.campaign.record import quantile
from bench.campaign.tally import WORST, Tally

_COUNTS = st.integers(1, 50)
_NAMES = st.sampled_from(("DA", "EA", "MA122", ""))


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    tally = Tally()
    tally.totals.update(draw(st.dictionaries(_NAMES, _COUNTS)))
    tally.outcomes.update(draw(st.dictionaries(st.tuples(_NAMES, _NAMES), _COUNTS)))
    tally.attempts.update(draw(st.dictionaries(st.tuples(_NAMES, _COUNTS), _COUNTS)))
    tally.spans.update(draw(st.dictionaries(st.integers(0, 9), _COUNTS)))
    for size in draw(st.lists(st.integers(0, 5), max_size=2 * WORST)):
        number = draw(st.integers(0, 10_000_000))
        tally.notice("longest", (size, number, f"installation-{number}"))
    return tally


def _sum(tallies: list[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.take(tally)
    return whole


@given(st.lists(tallies(), max_size=4), st.randoms(use_true_random=False))
def test_order_makes_no_difference(parts: list[Tally], random: object) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    half = len(parts) // 2
    grouped = _sum([_sum(shuffled[:half]), _sum(shuffled[half:])])
    assert grouped.as_json() == _sum(parts).as_json()


@given(tallies())
def test_a_file_gives_it_back(tally: Tally) -> None:
    assert Tally.from_json(json.loads(json.dumps(tally.as_json()))) == tally


@given(st.dictionaries(st.integers(0, 30), _COUNTS, min_size=1), st.integers(1, 100))
def test_quantiles_are_those_of_the_sorted_values(counts: dict[int, int], part: int) -> None:
    values = sorted(value for value, count in counts.items() for _ in range(count))
    rank = -(-part * len(values) // 100)
    assert quantile(counts, part) == values[rank - 1]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 99)), unique_by=lambda each: each[1]))
def test_the_worst_are_kept_the_earliest_first(given_: list[tuple[int, int]]) -> None:
    tally = Tally()
    for size, number in given_:
        tally.notice("longest", (size, number, "x"))
    wanted = sorted(given_, key=lambda each: (-each[0], each[1]))[:WORST]
    assert [(size, number) for size, number, _ in tally.worst.get("longest", [])] == wanted
