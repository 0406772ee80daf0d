"""Reading and judging a trace, against the bare cost of parsing its lines."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.cli.check import judge_files
from bench.mehrs.loader import load_strategy
from bench.order import TOLERANCE, Order
from bench.runner import run_suite
from bench.shipped import find
from benchmarks.measure import Row, best_cpu

COPIES = 40


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        run_suite(Order(find("suites", "default"), "default", seed=1), Path(folder))
        one = (Path(folder) / "trace.jsonl").read_text(encoding="utf-8").splitlines()
        lines = [
            line.replace('"installation": "', f'"installation": "{copy}-', 1)
            for copy in range(COPIES)
            for line in one
        ]
        trace = Path(folder) / "many.jsonl"
        trace.write_text("\n".join(lines) + "\n", encoding="utf-8")
        strategy = load_strategy()
        ours = best_cpu(lambda: judge_files([str(trace)], strategy, TOLERANCE))
        limit = best_cpu(lambda: [json.loads(line) for line in trace.open(encoding="utf-8")])
    yield Row(
        "check: events read and judged", "json.loads of the same lines", len(lines), ours, limit
    )
