"""What is written, what is handed back, what is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from bench.clock import Cancellation, Cancelled, PacedClock, VirtualClock
from bench.devices import Identity, Role
from bench.effects import Act, Effects
from bench.errors import BenchError, Interrupted, NoReply, PortGone, UsageError
from bench.journal import recorder as recorder_module
from bench.journal.entry import Entry
from bench.journal.recorder import Recorder, ReplayRefused, refuse_other_devices
from bench.journal.recording import Recording, recordings
from bench.journal.store import JournalFull, Keep
from bench.parties import Parties
from bench.units import SECOND
from tests.journal.deaths import NAME, Death, Disk, Kept, one_clock

START = 1_000 * SECOND


@pytest.fixture(autouse=True)
def _one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "moment", one_clock)


class Bench:
    """A recorder with everything around it; `again` is another process on what it wrote."""

    def __init__(self, disk: Any = None, at: int = START) -> None:
        self.disk = disk if disk is not None else Disk()
        self.clock = VirtualClock(at)
        self.own, self.run = Cancellation(), Cancellation()
        self.world = PacedClock(START, self.clock, self.own)
        self.lived = 0
        self.recorder = Recorder(
            self.disk,
            recordings(self.disk.entries).get(NAME) or Recording(NAME),
            clock=self.clock,
            world=self.world,
            outside=frozenset({"gas"}),
            keys=Kept(self.disk),
            cancellation=self.own,
            run=self.run,
            on_gap=lambda gap: None,
            on_live=self._live,
        )
        self.recorder.begin(START, {})

    def _live(self) -> None:
        self.lived += 1

    def ask(self, target: str, operation: str, call: Callable[[], Any], *args: Any) -> Any:
        return self.recorder.request(target, operation, args, {}, call)

    def again(self, after: int = SECOND) -> Bench:
        return Bench(self.disk, self.clock.now() + after)

    def kinds(self) -> list[str]:
        return [entry.kind.value for entry in self.disk.entries]


def never() -> Any:
    raise AssertionError("it was made again")


def fails(error: BaseException) -> Callable[[], Any]:
    def call() -> Any:
        raise error

    return call


def test_an_act_is_written_before_and_after_it_is_made() -> None:
    bench = Bench()
    seen: list[list[str]] = []
    bench.ask("gas", "rotate_key", lambda: seen.append(bench.kinds()))
    assert seen == [["scenario", "intent"]]
    assert bench.kinds() == ["scenario", "intent", "result"]


@pytest.mark.parametrize(
    ("target", "operation", "keep"),
    [
        ("gas", "rotate_key", Keep.SYNCED),
        ("gas", "some_new_operation", Keep.SYNCED),
        ("gas", "identify", Keep.COMMITTED),
        ("SMSO", "transfer_account", Keep.COMMITTED),
    ],
)
def test_what_changes_something_outside_is_on_the_disk_first(
    target: str, operation: str, keep: Keep
) -> None:
    kept: list[Keep] = []

    class Watched(Disk):
        def add(self, entry: Entry, keep: Keep) -> None:
            super().add(entry, keep)
            kept.append(keep)

    Bench(Watched()).ask(target, operation, lambda: None)
    assert kept[1] is keep


def test_what_was_done_outside_is_handed_back() -> None:
    bench = Bench()
    assert bench.ask("gas", "read_clock", lambda: 17) == 17
    with pytest.raises(NoReply):
        bench.ask("gas", "identify", fails(NoReply("gas", "identify", "asleep")))
    again = bench.again()
    assert again.ask("gas", "read_clock", never) == 17
    with pytest.raises(NoReply, match="asleep"):
        again.ask("gas", "identify", never)
    assert again.lived == 0
    assert again.ask("gas", "read_clock", lambda: 18) == 18
    assert again.lived == 1


def test_what_is_kept_beside_it_is_brought_up_to_date_where_only_the_end_was_missing() -> None:
    bench = Bench()
    bench.ask("gas", "read_clock", lambda: 17)
    again = bench.again()
    again.ask("gas", "read_clock", never)
    again.recorder.end()
    assert (again.lived, again.kinds()[-1]) == (1, "ended")
    ended = again.again()
    ended.ask("gas", "read_clock", never)
    ended.recorder.end()
    assert ended.lived == 0


def test_what_is_within_is_done_over_at_the_same_instant() -> None:
    bench = Bench()
    bench.clock.sleep_until(START + SECOND)
    assert bench.ask("SMSO", "account_holder", bench.world.now) == START + SECOND
    again = bench.again(after=60 * SECOND)
    assert again.ask("SMSO", "account_holder", again.world.now) == START + SECOND


@pytest.mark.parametrize(
    ("operation", "outcome"),
    [("rotate_key", Interrupted), ("reboot", Interrupted), ("identify", None)],
)
def test_an_interrupted_act_outside(operation: str, outcome: type[Exception] | None) -> None:
    """One that changes something is for the process to settle; a question is asked again."""
    bench = Bench()
    with pytest.raises(Death):
        bench.ask("gas", operation, fails(Death()))
    again = bench.again()
    if outcome is None:
        assert again.ask("gas", operation, lambda: 5) == 5
    else:
        with pytest.raises(outcome, match="the bench stopped in the middle of it"):
            again.ask("gas", operation, never)
    assert again.kinds()[-2:] == ["resumed", "result"]
    third = again.again()
    if outcome is None:
        assert third.ask("gas", operation, never) == 5
    else:
        with pytest.raises(outcome):
            third.ask("gas", operation, never)


def test_a_reading_of_the_clock_is_handed_back() -> None:
    bench = Bench()
    at = bench.recorder.now()
    bench.ask("gas", "identify", lambda: None)
    assert bench.again(after=99 * SECOND).recorder.now() == at


def test_an_act_that_is_handed_back_keeps_its_times() -> None:
    """Else a finding would carry the time at which somebody resumed the run."""

    def acts(bench: Bench) -> list[Act]:
        seen: list[Act] = []
        nothing: Any = object()  # no device, party, key or random number is asked for
        parties = Parties(nothing, nothing, {}, nothing, nothing, nothing)
        effects = Effects(
            clock=bench.clock,
            inbox=nothing,
            devices={},
            parties=parties,
            keys=nothing,
            random_bytes=nothing,
            sink=nothing,
            observer=seen.append,
            recorder=bench.recorder,
        )
        for answer in (lambda: 17, fails(NoReply("gas", "identify"))):

            def call(answer: Callable[[], Any] = answer) -> Any:
                bench.clock.sleep_until(bench.clock.now() + SECOND)
                return answer()

            with contextlib.suppress(NoReply):
                effects.perform("gas", "identify", call, (), {})
        return seen

    bench = Bench()
    then = acts(bench)
    assert [act.at - START for act in then] == [0, SECOND, SECOND, 2 * SECOND]
    again = bench.again(after=3600 * SECOND)
    assert [act.at for act in acts(again)] == [act.at for act in then]
    assert again.recorder.asked_at == again.clock.now(), "what comes next is made now"


ANOTHER: dict[str, Callable[[Bench], Any]] = {
    "another device": lambda bench: bench.ask("SMSO", "read_clock", never, 5),
    "another operation": lambda bench: bench.ask("gas", "identify", never, 5),
    "another argument": lambda bench: bench.ask("gas", "read_clock", never, 6),
    "another kind of act": lambda bench: bench.recorder.now(),
    "a wait": lambda bench: bench.recorder.wait(5, never),
    "nothing": lambda bench: bench.recorder.end(),
}


@pytest.mark.parametrize("act", ANOTHER.values(), ids=ANOTHER)
def test_a_process_that_does_something_else_is_stopped(act: Callable[[Bench], Any]) -> None:
    bench = Bench()
    bench.ask("gas", "read_clock", lambda: 17, 5)
    again = bench.again()
    with pytest.raises(Cancelled):
        act(again)
    assert isinstance(again.recorder.failure, ReplayRefused)
    assert "then" in str(again.recorder.failure)
    assert again.own.reason is not None
    assert again.kinds() == bench.kinds(), "nothing more is written"


def test_a_world_that_answers_otherwise_is_refused() -> None:
    bench = Bench()
    bench.ask("SMSO", "account_holder", lambda: 1)
    again = bench.again()
    with pytest.raises(Cancelled):
        again.ask("SMSO", "account_holder", lambda: 2)
    assert "done over gives 2, and gave 1" in str(again.recorder.failure)


class Full(Disk):
    def add(self, entry: Entry, keep: Keep) -> None:
        if len(self.entries) >= 3:
            raise JournalFull("journal.db: the journal cannot be written: disk full")
        super().add(entry, keep)


def test_nothing_is_done_that_cannot_be_written() -> None:
    bench = Bench(Full())
    bench.ask("gas", "identify", lambda: None)
    with pytest.raises(Cancelled, match="disk full"):
        bench.ask("gas", "rotate_key", never)
    assert isinstance(bench.recorder.failure, JournalFull)
    assert bench.recorder.now() == bench.clock.now(), "the passage can still be closed"


def test_a_lost_port_stops_the_run_and_can_be_taken_up() -> None:
    bench = Bench()
    with pytest.raises(Cancelled):
        bench.ask("gas", "rotate_key", fails(PortGone("/dev/probe: gone")))
    assert isinstance(bench.recorder.failure, PortGone)
    with pytest.raises(Interrupted):
        bench.again().ask("gas", "rotate_key", never)


def test_any_other_fault_of_the_bench_is_an_outcome() -> None:
    bench = Bench()
    with pytest.raises(BenchError, match="stuck"):
        bench.ask("gas", "identify", fails(BenchError("stuck")))
    with pytest.raises(BenchError, match="stuck"):
        bench.again().ask("gas", "identify", never)


def test_once_the_run_is_cancelled_nothing_is_written() -> None:
    bench = Bench()
    bench.run.cancel("SIGINT")
    bench.recorder.now()
    bench.recorder.end()
    assert bench.kinds() == ["scenario"]


def test_a_scenario_that_was_stopped_stops_there_again() -> None:
    bench = Bench()
    bench.own.cancel("its time was up")
    with pytest.raises(Cancelled):
        bench.recorder.wait(START + SECOND, fails(Cancelled("its time was up")))
    at = bench.recorder.now()
    bench.recorder.end()
    again = bench.again()
    with pytest.raises(Cancelled, match="its time was up"):
        again.recorder.wait(START + SECOND, never)
    assert again.recorder.now() == at
    again.recorder.end()
    assert again.kinds() == bench.kinds()


def identity(firmware: str) -> Identity:
    return Identity(Role.GAS_METER, "S", "70-B3-D5-1F-30-A0-77-02", "Made", "GM-1", firmware)


def test_another_device_is_refused() -> None:
    then = {"gas": identity("1.0")}
    for now in (then, {}, {"hub": identity("2.0")}):
        refuse_other_devices(then, now)
    with pytest.raises(UsageError, match=r"another device answers: gas: .* 1\.0 then, .* 2\.0 now"):
        refuse_other_devices(then, {"gas": identity("2.0")})
