"""The pytest plugin: `pytest --suite NAME` collects a suite's scenarios as tests.

Inert without `--suite`: nothing is imported, no fixture is defined, no other option is touched.
A scenario that does not meet its expectations fails with what was expected, what was found, and
the command that replays it alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bench.suite_reading import PreparedScenario

_SUITES = "smets1_bench_suites"
_SEED = "smets1_bench_seed"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("smets1-bench", "scenarios of smets1-bench as tests")
    group.addoption(
        "--suite",
        dest=_SUITES,
        action="append",
        default=[],
        metavar="NAME|FILE",
        help="a shipped suite by name, or a .yaml file; may be given several times",
    )
    group.addoption(
        "--suite-seed", dest=_SEED, type=int, default=1, help="the seed of the scenarios"
    )


def pytest_configure(config: pytest.Config) -> None:
    suites = config.getoption(_SUITES)
    if not suites:
        return
    from bench.errors import UsageError
    from bench.shipped import find

    try:
        paths = [str(find("suites", suite)) for suite in suites]
    except UsageError as error:
        raise pytest.UsageError(f"--suite: {error}") from None
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args.clear()  # only a suite was asked for, not the project's own tests
    config.args.extend(paths)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    if not parent.config.getoption(_SUITES) or file_path.suffix not in (".yaml", ".yml"):
        return None
    return SuiteFile.from_parent(parent, path=file_path)


class SuiteFile(pytest.File):
    """A suite: one item for each scenario, those of included suites first."""

    def collect(self) -> Iterator[ScenarioItem]:
        from bench.errors import UsageError
        from bench.suite_reading import read_suite

        try:
            _, scenarios = read_suite(self.path)
        except UsageError as error:
            raise self.CollectError("\n".join(map(str, error.problems))) from None
        for prepared in scenarios:
            yield ScenarioItem.from_parent(self, name=prepared.scenario.scenario, prepared=prepared)


class ScenarioFailed(Exception):
    """A scenario did not meet its expectations."""


class ScenarioItem(pytest.Item):
    """One scenario on an emulated installation, in virtual time."""

    def __init__(self, *, prepared: PreparedScenario, **rest: Any) -> None:
        super().__init__(**rest)
        self._prepared = prepared

    def runtest(self) -> None:
        from bench.runner import Order, run_prepared

        seed = self.config.getoption(_SEED)
        order = Order(self.path, str(self.path), seed)
        record = run_prepared(order, self._prepared)
        strategy = record.strategy
        self.user_properties += [
            ("kit", "EMULATED"),
            ("strategy", strategy.label),
            *strategy.hashes.items(),
            ("seed", seed),
        ]
        if record.mismatches:
            raise ScenarioFailed("\n".join([*record.mismatches, f"replay: {record.replay}"]))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, ScenarioFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name
