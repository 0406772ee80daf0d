"""The journal of the default suite on emulated kit: its share of the CPU time, in one run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.journal.run_journal import RunJournal, journalled
from bench.journal.store import FILE, Journal
from bench.order import Order
from bench.run_identity import head_of
from bench.scenario.run import run_scenario
from bench.shipped import find
from bench.station.form import DIRECT
from bench.suite_reading import read_suite
from benchmarks.measure import Row, best_cpu

SUITE = "default"


def rows() -> Iterator[Row]:
    path = find("suites", SUITE)
    _, scenarios = read_suite(path)
    head = head_of(Order(path, SUITE, seed=1).ordered, DIRECT, scenarios)

    def play(journal: RunJournal | None = None) -> None:
        for scenario in scenarios:
            run_scenario(scenario, seed=1, journal=journal)

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)

        def journalled_play() -> None:
            with journalled(folder, head, at=0) as journal:
                play(journal)

        ours, limit = best_cpu(journalled_play), best_cpu(play)
        journal, entries = Journal.open(folder / FILE)
        journal.close()
    what = f"journal: {SUITE} suite, {len(scenarios)} scenarios"
    yield Row(what, "the same without a journal", len(entries), ours, limit)
