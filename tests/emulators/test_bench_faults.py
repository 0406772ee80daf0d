"""Faults of the bench itself: each strikes, does what its sentence says, and blames no device."""

from __future__ import annotations

import errno
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.bench_faults import bench_fault_problems
from bench.clock import VirtualClock
from bench.clock_evidence import Stamp, disagreement
from bench.emulation import FaultSpec, Moment
from bench.errors import BenchError, ExitCode, RelayStuck
from bench.fault_catalogue import FAMILIES, Place, catalogue
from bench.operator import Nobody
from bench.order import Order
from bench.runner import run_suite
from bench.scenario.run import run_scenario
from bench.shipped import find
from bench.station.fitting import fitted
from bench.station.form import Kit, RelayBoardEntry, Station
from bench.suite import FaultEntry
from bench.suite_reading import PreparedScenario, read_suite
from bench.trace import Outage
from bench.units import DAY, HOUR, MINUTE, SECOND
from emulators.direct_kit import DirectRelayBoard
from emulators.faults.bench import BENCH_FAULTS, bench_clock_step, disk_full, relay_stuck
from emulators.models.relay_board import RelayBoard

DEVICES = ("electricity", "gas", "hub")


def with_fault(fault: FaultEntry) -> PreparedScenario:
    (prepared,) = read_suite(find("suites", "commissioning"), only=["da-commissioned"])[1]
    return replace(prepared, scenario=replace(prepared.scenario, faults=(fault,)))


def test_the_time_of_day_is_set_while_a_scenario_runs() -> None:
    ticks = iter(range(0, 10**12, 10**9))
    struck = iter((False, True))

    def true() -> Stamp:
        at = next(ticks)
        return Stamp(at, at)

    stamp = bench_clock_step(true, -10 * MINUTE, lambda: next(struck))
    assert disagreement(stamp(), stamp()) == -10 * MINUTE


def test_a_clock_that_was_set_is_an_outage_in_virtual_time() -> None:
    step = FaultEntry("bench-clock-step", "bench", after=HOUR, by=-20 * MINUTE)
    ran = run_scenario(with_fault(step), 1)
    last = ran.events[-1]
    assert isinstance(last, Outage)
    assert (last.of, last.from_) == ("clock", ran.events[0].at)
    assert last.extra == {"apart_us": -20 * MINUTE}
    assert ran.unstruck == ()


def test_a_step_whose_moment_never_comes_struck_nothing() -> None:
    never = FaultEntry("bench-clock-step", "bench", after=300 * DAY)
    ran = run_scenario(with_fault(never), 1)
    assert not any(isinstance(event, Outage) for event in ran.events)
    assert ran.unstruck == (never.spec,)


def test_a_full_disk_fails_as_the_system_says() -> None:
    written: list[int] = []
    write = disk_full(written.append, lambda what: what == 2)
    write(1)
    with pytest.raises(OSError, match="No space left on device") as full:
        write(2)
    assert full.value.errno == errno.ENOSPC
    assert written == [1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_the_bench_s_fault(tmp_path: Path) -> None:
    (tmp_path / "trace.jsonl").symlink_to("/dev/full")
    order = Order(find("suites", "commissioning"), "commissioning", 1, ("ioc-commissioned",))
    with pytest.raises(BenchError, match="cannot be written: No space left on device") as failed:
        run_suite(order, tmp_path)
    assert failed.value.exit_code is ExitCode.BENCH
    assert not (tmp_path / "result.json").exists()


def test_a_stuck_relay_is_the_bench_s_fault() -> None:
    clock = VirtualClock(0)
    model = RelayBoard(clock, 2)
    board = relay_stuck(DirectRelayBoard("relay-board", model, SECOND), 2, lambda: clock.now() > 0)
    board.set_channel(1, closed=False)
    assert not board.channel_closed(1), "another contact moves"
    with pytest.raises(RelayStuck, match="channel 2 was told to be open and reads back closed"):
        board.set_channel(2, closed=False)
    assert model.channel_closed(2)
    board.set_channel(2, closed=True)


@pytest.mark.parametrize(
    ("feeds", "says"),
    [({"electricity": 1}, ""), ({"hub": 1}, "no relay-board under kit that feeds 'electricity'")],
)
def test_a_relay_sticks_where_there_is_one(feeds: dict[str, int], says: str) -> None:
    prepared = with_fault(FaultEntry("relay-stuck", "electricity", after=0))
    station = Station("s", kit=Kit(RelayBoardEntry("/dev/ttyUSB0", "p", feeds)))
    assert re.search(says, fitted(prepared, station, Nobody()).not_run)
    assert bool(fitted(prepared, station, Nobody()).not_run) is bool(says)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (FaultSpec("disk-full", "bench", Moment(request="write", nth=3)), ""),
        (FaultSpec("relay-stuck", "hub", Moment(after=0)), ""),
        (FaultSpec("disk-full", "hub", Moment(after=0)), "cannot strike 'hub'; expected bench"),
        (FaultSpec("relay-stuck", "bench", Moment(after=0)), "expected electricity or gas or hub"),
        (FaultSpec("disk-full", "bench", Moment()), "exactly one of after, when, request"),
        (FaultSpec("disk-full", "bench", Moment(request="read")), "only 'write'"),
        (FaultSpec("bench-clock-step", "bench", Moment(request="*")), "expected after or when"),
        (FaultSpec("disk-full", "bench", Moment(after=0), by=1), "takes no by"),
        (FaultSpec("disk-full", "bench", Moment(after=0), times=2), "takes no times"),
        (FaultSpec("disk-full", "bench", Moment(on={"event": "acount"})), "account"),
        (FaultSpec("disk-full", "bench", Moment(after=0, nth=0)), "nth: at least 1"),
    ],
)
def test_what_makes_no_sense_is_said(spec: FaultSpec, says: str) -> None:
    problems = "; ".join(bench_fault_problems(spec, DEVICES))
    assert says in problems
    assert bool(problems) is bool(says)


def test_the_catalogue_has_all_six_families() -> None:
    faults = catalogue()
    assert {fault.family for fault in faults} == set(FAMILIES)
    names = [fault.name for fault in faults]
    assert len(names) == len(set(names))
    for fault in faults:
        assert fault.about.endswith("."), fault.name
        assert fault.place is not Place.MODEL or fault.targets, fault.name
    assert {fault.name for fault in faults if fault.place is Place.BENCH} == set(BENCH_FAULTS)
    assert all(fault.in_suites for fault in faults if fault.family == "bench")
