"""YAML suites as tests: a scenario that does not meet its expectations fails with what was
expected, what was found, and the command that replays it alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError, UsageError
from bench.operator import Nobody
from bench.order import Order
from bench.pytest_plugin import EVIDENCE, SEED, asked
from bench.result import UNHEARD, ScenarioRecord, kit_of
from bench.runner import run_prepared, run_suite
from bench.suite_reading import PreparedScenario, read_suite
from bench.verdict import Verdict


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    return SuiteFile.from_parent(parent, path=file_path)


class SuiteFile(pytest.File):
    """A suite: one item for each scenario, those of included suites first."""

    def collect(self) -> Iterator[ScenarioItem]:
        try:
            _, scenarios = read_suite(self.path)
        except UsageError as error:
            raise self.CollectError("\n".join(map(str, error.problems))) from None
        for prepared in scenarios:
            yield ScenarioItem.from_parent(self, name=prepared.scenario.scenario, prepared=prepared)


class ScenarioFailed(Exception):
    """A scenario did not meet its expectations, or the bench failed it."""


class ScenarioItem(pytest.Item):
    """One scenario on the station: skipped where it cannot be run there or nothing was decided."""

    def __init__(self, *, prepared: PreparedScenario, **rest: Any) -> None:
        super().__init__(**rest)
        self._prepared = prepared

    def runtest(self) -> None:
        station = asked.station_of(self.config)
        order = Order(
            self.path,
            str(self.path),
            self.config.getoption(SEED),
            station=station,
            station_named=self.config.stash[asked.NAMED_KEY],
            operator=Nobody(),  # pytest has the keyboard
        )
        record = self._record(order, keep=station.real or bool(self.config.getoption(EVIDENCE)))
        kit = kit_of(record.devices) or (UNHEARD if station.real else "EMULATED")
        self.user_properties += [
            ("kit", kit),
            ("strategy", record.strategy.label),
            *record.strategy.hashes.items(),
            ("seed", order.seed),
            *(("requirement", covered) for covered in record.covers),
        ]
        if record.not_run:
            pytest.skip(record.not_run)
        if record.mismatches:
            raise ScenarioFailed("\n".join([*record.mismatches, f"replay: {record.replay}"]))
        if record.verdict == Verdict.INCONCLUSIVE.label:
            pytest.skip("inconclusive: " + "; ".join(record.unknown))

    def _record(self, order: Order, *, keep: bool) -> ScenarioRecord:
        """On real kit a run of its own: its journal keeps the keys if this process dies."""
        if not keep:
            return run_prepared(order, self._prepared)
        base = Path(self.config._tmp_path_factory.getbasetemp())  # type: ignore[attr-defined]
        folder = asked.evidence_of(self.config, base / "evidence") / self.path.stem / self.name
        self.user_properties.append(("evidence", str(folder)))
        try:
            (record,) = run_suite(replace(order, only=(self.name,)), folder).scenarios
        except BenchError as error:
            raise ScenarioFailed(f"{error}\nreplay: {order.replay(self.name)}") from None
        return record

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, ScenarioFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name
