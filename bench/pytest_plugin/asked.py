"""What is done once a project asks for the bench: options are read, the rest is registered."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bench.errors import BenchError, UsageError
from bench.place_lending import lent
from bench.pytest_plugin import lending, markers, suites
from bench.shipped import find
from bench.station import DIRECT, Station, read_station

STATION_KEY = pytest.StashKey[Station]()
NAMED_KEY = pytest.StashKey[str]()


def configure(config: pytest.Config, station: str, asked_suites: list[str]) -> None:
    """Raises `pytest.UsageError` with every complaint about the station and the suites."""
    try:
        held = read_station(find("stations", station)) if station else DIRECT
        paths = [str(find("suites", suite)) for suite in asked_suites]
    except (UsageError, BenchError) as error:
        problems = getattr(error, "problems", (error,))
        raise pytest.UsageError("\n".join(map(str, problems))) from None
    if held.real:
        _refuse_to_share(config)
    config.stash[STATION_KEY], config.stash[NAMED_KEY] = _lent(config, held), station
    _time_out_by_signal(config, held)
    markers.register(config)
    if station:
        config.pluginmanager.register(lending, "smets1-bench-lending")
    if paths:
        config.pluginmanager.register(suites, "smets1-bench-suites")
        if config.args_source is not pytest.Config.ArgsSource.ARGS:
            config.args.clear()  # only a suite was asked for, not the project's own tests
        config.args.extend(paths)


def _lent(config: pytest.Config, station: Station) -> Station:
    """Until pytest ends, where the station is a place of labgrid."""
    if station.labgrid is None or config.option.collectonly:
        return station
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        try:
            held = stack.enter_context(lent(station, folder))
        except (UsageError, BenchError) as error:
            raise pytest.UsageError(str(error)) from None
        config.add_cleanup(stack.pop_all().close)
    return held


def _refuse_to_share(config: pytest.Config) -> None:
    workers = getattr(config.option, "numprocesses", None) or getattr(config.option, "tx", None)
    if workers or hasattr(config, "workerinput"):
        raise pytest.UsageError(
            "the station has real ports, and one station cannot serve several workers at a time: "
            "leave -n out, or use an emulated station"
        )


def _time_out_by_signal(config: pytest.Config, station: Station) -> None:
    """pytest-timeout's other way ends the process at once: without teardown, and without JUnit."""
    if not config.pluginmanager.hasplugin("timeout"):
        return
    method = config.getoption("timeout_method", None) or config.getini("timeout_method")
    if method in (None, "", "signal"):
        config.option.timeout_method = "signal"
    elif station.real:
        raise pytest.UsageError(
            f"timeout_method = {method} ends the process without leaving the kit safe: "
            "use timeout_method = signal"
        )


def station_of(config: pytest.Config) -> Station:
    return config.stash[STATION_KEY]


def evidence_of(config: pytest.Config, base: Path) -> Path:
    """Where evidence goes: `--evidence`, else below pytest's temporary folder."""
    from bench.pytest_plugin import EVIDENCE

    given = config.getoption(EVIDENCE)
    return Path(given).resolve() if given else base
