"""The fixtures that lend a station's devices to a project's own tests, and what is done around.

Each test has the stage to itself: on emulated kit a new world, on real kit the ports opened anew.
After a test every device that answered before it is asked who it is; one that does not say fails
that test, and not the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from bench.clock import Clock
from bench.devices import CommsHub, ElectricityMeter, GasMeter, InHomeDisplay
from bench.errors import BenchError, UsageError
from bench.mehrs.loader import load_strategy
from bench.mehrs.strategy import Strategy
from bench.pytest_plugin import INSTALLATION, SEED, asked, markers
from bench.pytest_plugin.bench_under_test import (
    InstallationUnderTest,
    Power,
    Trace,
    power_of,
)
from bench.shipped import find
from bench.staging import Plot, Stage, set_stage
from bench.station import Station
from bench.suite import Expectation, Outcome, Scenario
from bench.suite_reading import PreparedScenario

if TYPE_CHECKING:
    from bench.installation import Installation

INSTALLATION_KEY = pytest.StashKey["Installation"]()
ON_STAGE = pytest.StashKey[InstallationUnderTest]()


class DeviceDied(Exception):
    """A device that answered before the test does not answer after it."""


# --- fixtures ---


@pytest.fixture(scope="session")
def station(request: pytest.FixtureRequest) -> Station:
    """The station as its file has it."""
    return asked.station_of(request.config)


@pytest.fixture(scope="session")
def mehrs() -> Strategy:
    """The strategy that judges: parameters and rules with their sources and status."""
    return load_strategy()


@pytest.fixture
def trace(mehrs: Strategy) -> Trace:
    """The events of this test."""
    return Trace(mehrs)


@pytest.fixture
def installation(
    request: pytest.FixtureRequest, mehrs: Strategy, trace: Trace, tmp_path_factory: Any
) -> Iterator[InstallationUnderTest]:
    """The installation on its stage, with its devices and its emulated parties."""
    config, item = request.config, request.node
    folder = _evidence_folder(item, tmp_path_factory)
    stage = _stage(config, item, mehrs, folder)
    try:
        under_test = InstallationUnderTest(stage, mehrs, trace)
        for marker in item.iter_markers("fault"):
            under_test.arm(markers.fault_of(marker))
        item.stash[ON_STAGE] = under_test
        yield under_test
    finally:
        stage.close()
        trace.write(folder / "trace.jsonl")
        item.user_properties += _properties(config, item, under_test, folder)


@pytest.fixture
def electricity_meter(installation: InstallationUnderTest) -> ElectricityMeter:
    return cast(ElectricityMeter, _device(installation, "electricity_meter"))


@pytest.fixture
def gas_meter(installation: InstallationUnderTest) -> GasMeter:
    return cast(GasMeter, _device(installation, "gas_meter"))


@pytest.fixture
def comms_hub(installation: InstallationUnderTest) -> CommsHub:
    return cast(CommsHub, _device(installation, "comms_hub"))


@pytest.fixture
def ihd(installation: InstallationUnderTest) -> InHomeDisplay:
    return cast(InHomeDisplay, _device(installation, "ihd"))


@pytest.fixture
def power(station: Station, tmp_path: Path) -> Iterator[Power]:
    """The mains of the devices, through the station's relay board."""
    if station.kit.relay_board is None:
        pytest.skip("needs power, and the station has no relay board")
    with power_of(station, tmp_path) as mains:
        yield mains


@pytest.fixture
def clock(installation: InstallationUnderTest) -> Clock:
    """The clock of the installation: virtual on emulated kit, else the wall clock."""
    return installation._stage.clock


# --- around the tests ---


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Raises `pytest.UsageError` with every complaint about markers; skips what cannot be run."""
    held = _installation(config)
    station = asked.station_of(config)
    problems = [
        f"{item.nodeid}: {complaint}" for item in items for complaint in markers.complaints(item)
    ]
    if problems:
        raise pytest.UsageError("\n".join(problems))
    for item in items:
        reason = markers.reason_to_skip(item, station, held)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """A device that died in a test fails that test."""
    outcome: Any = yield
    under_test = pyfuncitem.stash.get(ON_STAGE, None)
    if under_test is None or outcome.excinfo is not None:
        return
    hit = {markers.fault_of(marker).target for marker in pyfuncitem.iter_markers("fault")}
    gone = [line for line in under_test.unanswering() if line.split(":")[0] not in hit]
    if gone:
        outcome.force_exception(DeviceDied("; ".join(gone)))


# --- the stage ---


def _installation(config: pytest.Config) -> Installation:
    from bench.installation_file import read_installation

    held = config.stash.get(INSTALLATION_KEY, None)
    if held is not None:
        return held
    own = asked.station_of(config).installation
    try:
        if own is not None:
            held = own.as_installation("bench", ("Supplier A",))
        else:
            named = config.getoption(INSTALLATION)
            held = read_installation(find("installations", named))
    except UsageError as error:
        raise pytest.UsageError("\n".join(map(str, error.problems))) from None
    config.stash[INSTALLATION_KEY] = held
    return held


def _stage(config: pytest.Config, item: pytest.Item, mehrs: Strategy, folder: Path) -> Stage:
    scenario = Scenario(item.nodeid, "a test", "", Expectation(Outcome.COMMISSIONED))
    prepared = PreparedScenario(scenario, "pytest", _installation(config), mehrs, {})
    plot = Plot(prepared, asked.station_of(config), config.getoption(SEED), captures=folder)
    try:
        stage = set_stage(plot, None)
    except (BenchError, UsageError) as error:
        pytest.fail(f"the stage cannot be set: {error}", pytrace=False)
    stage.open_curtain(None)
    return stage


def _device(installation: InstallationUnderTest, fixture: str) -> object:
    spec = markers.device_of(installation.spec, fixture)
    if spec is None:
        pytest.skip(f"needs {fixture}, and the installation {installation.spec.name} has none")
    return installation.devices[spec.name]


def _evidence_folder(item: pytest.Item, tmp_path_factory: Any) -> Path:
    base = asked.evidence_of(item.config, tmp_path_factory.getbasetemp() / "evidence")
    folder = base / re.sub(r"[^A-Za-z0-9_.-]+", "-", item.nodeid).strip("-.")[-120:]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _properties(
    config: pytest.Config, item: pytest.Item, under_test: InstallationUnderTest, folder: Path
) -> list[tuple[str, object]]:
    told = set(under_test.emulated.values())
    kit = "EMULATED" if told == {True} else "REAL" if told == {False} else "MIXED"
    strategy = under_test._strategy
    return [
        ("kit", kit),
        ("station", asked.station_of(config).station),
        ("strategy", f"MEHRS {strategy.mehrs.version}, MAM {strategy.mam.version}"),
        ("seed", config.getoption(SEED)),
        ("evidence", str(folder)),
        *(("requirement", rule) for rule in markers.requirements(item)),
    ]
