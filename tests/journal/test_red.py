"""The deaths find a recorder that is wrong: each mutant of it turns them red."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench.journal import recorder as recorder_module
from bench.journal.recorder import How, Recorder
from bench.units import HOUR
from tests.journal.deaths import Lives, Plan, one_clock
from tests.journal.test_deaths import dead_in_a_long_wait, whole

NAME = "da-rotation-reply-lost"


@pytest.fixture(autouse=True)
def _one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "moment", one_clock)


def wrong_around_key_transfers() -> list[str]:
    """What does not hold when a bench dies before or after each transfer of a key."""
    found = []
    for request, (_, operation) in enumerate(whole(NAME).sent, 1):
        if operation != "rotate_key":
            continue
        for after in (False, True):
            lives = Lives(NAME)
            assert not lives.live(Plan(request=request, after=after))
            found += lives.wrong() if lives.live(Plan()) else ["it does not go on"]
            twice = len(set(lives.counters)) != len(lives.counters)
            found += ["sent twice under one counter"] if twice else []
    return found


def test_unchanged_it_is_sound() -> None:
    assert wrong_around_key_transfers() == []


def test_an_interrupted_act_taken_for_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    def acknowledged(self: Recorder, target: str, operation: str) -> Callable[[], None]:
        return lambda: None

    monkeypatch.setattr(Recorder, "_interrupted", acknowledged)
    assert wrong_around_key_transfers()


def test_an_interrupted_act_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    act = Recorder._act

    def again(self: Recorder, how: How, *rest: Any) -> Any:
        return act(self, How.ASKED if how is How.CHANGES else how, *rest)

    monkeypatch.setattr(Recorder, "_act", again)
    assert "sent twice under one counter" in wrong_around_key_transfers()


def test_a_gap_that_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lives, "_gap", lambda self, gap: None)
    lives, left = dead_in_a_long_wait()
    lives.be_down(left + HOUR)
    assert lives.live(Plan())
    assert lives.rules()["3.1-long-interval"]["inconclusive"] == 0
