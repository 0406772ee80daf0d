"""A trace that does not fit into the memory that a check may take is sorted on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli.check import judge_files
from bench.large_checks.means import Means
from bench.large_checks.whole import judge_large
from bench.mehrs.loader import load_strategy
from bench.order import TOLERANCE
from benchmarks.population import write

EVENTS = 250_000
LITTLE = 72 * 1024**2
"""Octets: not enough for so many events, enough for DuckDB to sort them on disk."""


def test_what_does_not_fit_goes_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines, rows, events = write(EVENTS, tmp_path)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    strategy = load_strategy()
    streamed = judge_files([str(lines)], strategy, TOLERANCE)
    assert streamed.events == events
    for file in (lines, rows):
        spilled: list[int] = []

        def told(what: str, done: int, of: int, spilled: list[int] = spilled) -> None:
            spilled.append(sum(each.stat().st_size for each in temporary.rglob("duckdb_temp*")))

        judged = judge_large([str(file)], strategy, TOLERANCE, Means(1, LITTLE), told=told)
        assert judged is not None
        said = json.dumps(judged.as_json()).replace(file.name, lines.name)
        assert json.loads(said) == streamed.as_json()
        assert max(spilled) > 1024**2, file
        assert list(temporary.iterdir()) == []
