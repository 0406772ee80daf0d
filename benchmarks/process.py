"""The process with emulated kit, against the bare loop that makes the same waits."""

from __future__ import annotations

from collections.abc import Iterator

from bench.clock import VirtualClock
from bench.scenario.run import run_scenario
from bench.shipped import find
from bench.suite_reading import read_suite
from bench.trace import Attempt
from bench.units import MINUTE
from benchmarks.measure import Row, best_cpu

SCENARIO = "ioc-48h-exhausted"


def rows() -> Iterator[Row]:
    _, prepared = read_suite(find("suites", "retry"))
    (scenario,) = (each for each in prepared if each.scenario.scenario == SCENARIO)
    ran = run_scenario(scenario, seed=1)
    attempts = sum(isinstance(event, Attempt) for event in ran.events)

    def bare() -> None:
        clock = VirtualClock(0)
        for _ in range(attempts):
            clock.sleep_until(clock.now() + 30 * MINUTE)

    ours = best_cpu(lambda: run_scenario(scenario, seed=1), rounds=5)
    limit = best_cpu(lambda: [bare() for _ in range(100)]) / 100
    what = f"process: {SCENARIO}, {attempts} attempts"
    yield Row(what, "as many waits on the same clock and nothing else", attempts, ours, limit)
