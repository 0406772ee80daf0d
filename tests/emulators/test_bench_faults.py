"""Faults of the bench itself: each strikes, does what its sentence says, and blames no device."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.clock import VirtualClock
from bench.clock_evidence import Stamp, disagreement
from bench.errors import BenchError, ExitCode, RelayStuck
from bench.fault_catalogue import FAMILIES, Place, catalogue
from bench.order import Order
from bench.runner import run_suite
from bench.shipped import find
from bench.units import MINUTE, SECOND
from emulators.direct_kit import DirectRelayBoard
from emulators.faults.bench import BENCH_FAULTS, bench_clock_step, disk_full, relay_stuck
from emulators.models.relay_board import RelayBoard


def test_the_time_of_day_is_set_while_a_scenario_runs() -> None:
    ticks = iter(range(0, 10**12, 10**9))

    def true() -> Stamp:
        at = next(ticks)
        return Stamp(at, at)

    stamp = bench_clock_step(true, by=-10 * MINUTE)
    assert disagreement(stamp(), stamp()) == -10 * MINUTE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_the_bench_s_fault(tmp_path: Path) -> None:
    disk_full(tmp_path, "trace.jsonl")
    order = Order(find("suites", "commissioning"), "commissioning", 1, ("ioc-commissioned",))
    with pytest.raises(BenchError, match="cannot be written: No space left on device") as failed:
        run_suite(order, tmp_path)
    assert failed.value.exit_code is ExitCode.BENCH
    assert not (tmp_path / "result.json").exists()


def test_a_stuck_relay_is_the_bench_s_fault() -> None:
    clock = VirtualClock(0)
    board = RelayBoard(clock, 2)
    relay = DirectRelayBoard("relay-board", board, SECOND)
    free = relay_stuck(board, 2)
    with pytest.raises(RelayStuck):
        relay.set_channel(2, closed=False)
    assert board.channel_closed(2)
    free()
    assert not board.channel_closed(2), "it follows its coil again"
    relay.set_channel(2, closed=True)


def test_the_catalogue_has_all_six_families() -> None:
    faults = catalogue()
    assert {fault.family for fault in faults} == set(FAMILIES)
    names = [fault.name for fault in faults]
    assert len(names) == len(set(names))
    for fault in faults:
        assert fault.about.endswith("."), fault.name
        assert fault.place is not Place.MODEL or fault.targets, fault.name
    assert {fault.name for fault in faults if fault.place is Place.BENCH} == set(BENCH_FAULTS)
