"""A bench that dies anywhere goes on where it was: nothing lost, nothing twice, nothing made up."""

from __future__ import annotations

import random

import pytest

from bench.journal import recorder as recorder_module
from bench.journal.entry import Entry, Kind
from bench.trace import Outage
from bench.units import HOUR, MINUTE, SECOND
from tests.journal.deaths import STORIES, Lives, Plan, die_often, one_clock


@pytest.fixture(autouse=True)
def _one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "moment", one_clock)


def whole(name: str) -> Lives:
    lives = Lives(name)
    assert lives.live(Plan())
    return lives


@pytest.mark.parametrize("name", STORIES)
def test_a_life_without_death_is_sound(name: str) -> None:
    lives = whole(name)
    assert lives.wrong() == []
    assert lives.disk.written > 50


@pytest.mark.parametrize("after", [False, True])
def test_dead_at_every_write_of_a_rotation(after: bool) -> None:
    name = "da-rotation-reply-lost"
    for write in range(1, whole(name).disk.added + 1):
        lives = Lives(name)
        died = not lives.live(Plan(write=write, after=after))
        lives.be_down(SECOND)
        assert died
        assert lives.live(Plan())
        assert lives.wrong() == [], f"{write=}"
        assert lives.migration is not None
        assert lives.migration.outcome == "commissioned"


def test_a_disk_that_is_full_at_every_write_stops_a_rotation_safely() -> None:
    name = "da-rotation-reply-lost"
    for write in range(1, whole(name).disk.written + 1):
        lives = Lives(name)
        assert not lives.live(Plan(full=write))
        assert lives.live(Plan())
        assert lives.wrong() == [], f"{write=}"
        assert lives.migration is not None
        assert lives.migration.outcome == "commissioned"


@pytest.mark.parametrize("name", ["da-rotation-reply-lost", "da-partial-rotation-not-restorable"])
@pytest.mark.parametrize("after", [False, True])
def test_dead_around_every_request(name: str, after: bool) -> None:
    for request in range(1, whole(name).requests + 1):
        lives = Lives(name)
        assert not lives.live(Plan(request=request, after=after))
        assert lives.live(Plan())
        assert lives.wrong() == [], f"{request=}"


@pytest.mark.parametrize("name", STORIES)
def test_many_lives(name: str) -> None:
    rng = random.Random(name)
    for _ in range(6):
        assert die_often(name, rng).wrong() == []


def is_wait(entry: Entry) -> bool:
    return entry.kind is Kind.INTENT and entry.operation == "sleep_until"


def dead_in_a_long_wait() -> tuple[Lives, int]:
    """A life that ends in a wait of the long retry; and how long the wait still is then."""
    name = "ioc-wan-back-after-3h"
    lives = whole(name)
    waits = [
        at
        for at, entry in enumerate(lives.disk.entries, 1)
        if is_wait(entry) and int(entry.body) - entry.moment.at > 20 * MINUTE
    ]
    lives = Lives(name)
    assert not lives.live(Plan(write=waits[2]))
    entry = lives.disk.entries[-1]
    return lives, int(entry.body) - entry.moment.at


@pytest.mark.parametrize(
    ("late", "verdict", "outages"), [(-MINUTE, "passed", 0), (MINUTE, "inconclusive", 1)]
)
def test_a_due_time_that_passed_while_the_bench_was_down(
    late: int, verdict: str, outages: int
) -> None:
    lives, left = dead_in_a_long_wait()
    lives.be_down(left + late)
    assert lives.live(Plan())
    counts = lives.rules()["3.1-long-interval"]
    assert counts == {"passed": 0, "failed": 0, "inconclusive": 0, verdict: 1}
    assert sum(isinstance(event, Outage) for event in lives.events) == outages
    waited = [entry for entry in lives.disk.entries if is_wait(entry)]
    assert len({entry.body for entry in waited}) == len(waited), "the deadline was set anew"


def test_the_outage_is_told_again_in_every_later_life() -> None:
    lives, left = dead_in_a_long_wait()
    lives.be_down(left + HOUR)
    assert not lives.live(Plan(write=20))
    assert lives.live(Plan())
    outages = [event for event in lives.events if isinstance(event, Outage)]
    assert outages[0].to - outages[0].from_ == left + HOUR
    assert lives.rules()["3.1-long-interval"]["inconclusive"] == 1
