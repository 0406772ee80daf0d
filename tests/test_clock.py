"""Two clocks, one contract: the agenda, waiting, cancelling."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clock import Cancellation, Cancelled, Clock, VirtualClock, WallClock
from bench.units import DAY, HOUR, MILLISECOND, SECOND, Micros

START = 1_000 * SECOND
SOON = 5 * MILLISECOND
BOUND = 10.0  # seconds a test waits for another thread before it gives up


@pytest.fixture(params=[partial(VirtualClock, START), WallClock], ids=["virtual", "wall"])
def clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


def never() -> bool:
    return False


# --- both clocks ---------------------------------------------------------------------------------


def test_waiting_ends_at_the_moment_or_after_it(clock: Clock) -> None:
    until = clock.now() + SOON
    clock.sleep_until(until)
    assert clock.now() >= until


def test_a_moment_that_has_passed_is_not_waited_for(clock: Clock) -> None:
    now = clock.now()
    clock.sleep_until(now - HOUR)
    assert now <= clock.now() < now + 10 * SECOND
    assert not clock.wait(never, now - HOUR)


def test_entries_run_in_the_order_of_their_moments_then_of_their_entry(clock: Clock) -> None:
    now, told = clock.now(), list[str]()
    for name, after in (("c", 2), ("a", 1), ("b", 1), ("past", -1), ("d", 2)):
        clock.call_at(now + after * MILLISECOND, partial(told.append, name))
    clock.sleep_until(now + SOON)
    assert told == ["past", "a", "b", "c", "d"]


def test_what_happens_at_the_deadline_exactly_is_seen(clock: Clock) -> None:
    until, told = clock.now() + SOON, []
    clock.call_at(until, lambda: told.append("x"))
    assert clock.wait(lambda: bool(told), until)


def test_what_happens_after_the_deadline_is_not_seen(clock: Clock) -> None:
    until, told = clock.now() + SOON, []
    clock.call_at(until + HOUR, lambda: told.append("x"))
    assert not clock.wait(lambda: bool(told), until)
    assert told == []


def test_what_is_ready_is_not_waited_for(clock: Clock) -> None:
    told: list[str] = []
    clock.call_at(clock.now() - 1, lambda: told.append("x"))
    assert clock.wait(lambda: True, clock.now() + DAY)
    assert told == [], "nobody waited, so nothing ran"


def test_a_cancelled_entry_does_not_run_and_may_be_cancelled_again(clock: Clock) -> None:
    now, told = clock.now(), []
    gone = clock.call_at(now, lambda: told.append("gone"))
    kept = clock.call_at(now, lambda: told.append("kept"))
    gone.cancel()
    gone.cancel()
    clock.sleep_until(now + SOON)
    kept.cancel()
    assert told == ["kept"]


def test_an_entry_may_cancel_and_enter_others(clock: Clock) -> None:
    now, told = clock.now(), []
    later = clock.call_at(now + 2, lambda: told.append("later"))

    def act() -> None:
        later.cancel()
        clock.call_at(now, lambda: told.append("entered, in the past"))
        told.append("first")

    clock.call_at(now, act)
    clock.sleep_until(now + SOON)
    assert told == ["first", "entered, in the past"]


def test_actions_do_not_run_within_one_another(clock: Clock) -> None:
    """Whoever enters something from an action does not run it there and then."""
    now, told = clock.now(), []

    def act(name: str) -> None:
        told.append(f"{name} begins")
        if name == "outer":
            clock.call_at(now, lambda: act("inner"))
        told.append(f"{name} ends")

    clock.call_at(now, lambda: act("outer"))
    clock.sleep_until(now + SOON)
    assert told == ["outer begins", "outer ends", "inner begins", "inner ends"]


def test_an_action_that_fails_is_done_with(clock: Clock) -> None:
    now, told = clock.now(), []

    def fail() -> None:
        raise ValueError("an emulator's bug")

    clock.call_at(now, fail)
    clock.call_at(now + 1, lambda: told.append("after"))
    with pytest.raises(ValueError, match="an emulator's bug"):
        clock.sleep_until(now + SOON)
    clock.sleep_until(now + SOON)
    assert told == ["after"]


def test_a_cancelled_token_stops_every_wait(clock: Clock) -> None:
    token = Cancellation()
    token.cancel("first reason")
    token.cancel("second reason")
    told: list[str] = []
    clock.call_at(clock.now(), lambda: told.append("x"))
    for _ in range(2):
        with pytest.raises(Cancelled, match="first reason"):
            clock.sleep_until(clock.now() + DAY, token)
    assert told == [], "nothing more is made to happen for who is cancelled"


def test_cancelled_from_the_agenda(clock: Clock) -> None:
    token = Cancellation()
    clock.call_at(clock.now() + SOON, lambda: token.cancel("stop"))
    with pytest.raises(Cancelled, match="stop"):
        clock.sleep_until(clock.now() + DAY, token)


def test_a_failure_handler_does_not_swallow_a_cancellation() -> None:
    assert not issubclass(Cancelled, Exception)


def test_listeners_of_a_token_are_called_once_and_can_be_forgotten() -> None:
    token, told = Cancellation(), list[str]()
    forgotten = token_listener(told, "forgotten")
    token.on_cancel(token_listener(told, "kept"))
    token.on_cancel(forgotten)
    token.forget(forgotten)
    token.check()
    token.cancel("stop")
    token.cancel("again")
    assert told == ["kept"]
    assert token.reason == "stop"


def token_listener(told: list[str], name: str) -> Callable[[], None]:
    return lambda: told.append(name)


# --- virtual -------------------------------------------------------------------------------------


def test_virtual_time_stands_still_until_somebody_waits() -> None:
    clock = VirtualClock(START)
    clock.call_at(START - 5, lambda: None)
    assert clock.now() == START
    clock.sleep_until(START + DAY)
    assert clock.now() == START + DAY
    assert clock.mode == "virtual"


def test_virtual_time_is_the_moment_of_what_happens() -> None:
    clock = VirtualClock(START)
    told: list[Micros] = []
    for after in (3, -1, 7):
        clock.call_at(START + after, lambda: told.append(clock.now()))
    assert clock.wait(lambda: len(told) == 2, START + DAY)
    assert told == [START, START + 3]
    assert clock.now() == START + 3, "time stops where the wait ended"


@given(entries=st.lists(st.integers(-5, 50), max_size=30), until=st.integers(0, 40))
def test_the_agenda_is_a_stable_sort(entries: list[int], until: int) -> None:
    clock = VirtualClock(START)
    told: list[tuple[int, int]] = []
    for number, after in enumerate(entries):
        clock.call_at(START + after, partial(told.append, (after, number)))
    clock.sleep_until(START + until)
    due = [(after, number) for number, after in enumerate(entries) if after <= until]
    assert told == sorted(due)
    assert clock.now() == START + until


# --- wall ----------------------------------------------------------------------------------------


class Waiter(threading.Thread):
    """Waits on a wall clock in its own thread and keeps how that ended."""

    def __init__(self, clock: WallClock, ready: Callable[[], bool], token: Cancellation) -> None:
        super().__init__(daemon=True)
        self._clock, self._ready, self._token = clock, ready, token
        self.ended: object = None

    def run(self) -> None:
        try:
            self.ended = self._clock.wait(self._ready, self._clock.now() + DAY, self._token)
        except Cancelled as cancelled:
            self.ended = cancelled.reason

    def finish(self) -> object:
        self.join(BOUND)
        assert not self.is_alive(), "it still waits"
        return self.ended


def test_cancelled_from_another_thread() -> None:
    clock, token, waits = WallClock(), Cancellation(), threading.Event()

    def ready() -> bool:
        waits.set()
        return False

    waiter = Waiter(clock, ready, token)
    waiter.start()
    assert waits.wait(BOUND)
    token.cancel("Ctrl-C")
    assert waiter.finish() == "Ctrl-C"


def test_woken_from_another_thread() -> None:
    clock, waits, done = WallClock(), threading.Event(), threading.Event()

    def ready() -> bool:
        waits.set()
        return done.is_set()

    waiter = Waiter(clock, ready, Cancellation())
    waiter.start()
    assert waits.wait(BOUND)
    done.set()
    clock.wake()
    assert waiter.finish() is True


def test_an_entry_made_by_another_thread_is_run_by_who_waits() -> None:
    clock, waits = WallClock(), threading.Event()
    ran_in: list[threading.Thread] = []

    def ready() -> bool:
        waits.set()
        return bool(ran_in)

    waiter = Waiter(clock, ready, Cancellation())
    waiter.start()
    assert waits.wait(BOUND)
    clock.call_at(clock.now() - 1, lambda: ran_in.append(threading.current_thread()))
    assert waiter.finish() is True
    assert ran_in == [waiter]


def test_a_token_keeps_no_listener_of_a_wait_that_ended() -> None:
    clock, token, woken = WallClock(), Cancellation(), list[str]()
    clock.sleep_until(clock.now(), token)
    clock.wake = lambda: woken.append("x")  # type: ignore[method-assign]
    token.cancel("late")
    assert woken == []


def test_wall_time_is_the_systems() -> None:
    import time

    clock = WallClock()
    before, now, after = time.time_ns() // 1000, clock.now(), time.time_ns() // 1000
    assert before - SECOND <= now <= after + SECOND
    assert clock.mode == "wall"
