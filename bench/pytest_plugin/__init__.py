"""The pytest plugin: `pytest --suite NAME` runs a suite's scenarios as tests, `pytest --station
FILE` lends the devices of a station to a project's own tests.

Inert in a project that asks for neither: pytest alone is imported, no fixture is defined and no
marker known. What a project asks for comes from `bench.pytest_plugin.suites` and
`bench.pytest_plugin.lending`. The ini option `smets1_bench_station` asks as `--station` does.
"""

from __future__ import annotations

import pytest

STATION = "smets1_bench_station"
SUITES = "smets1_bench_suites"
SEED = "smets1_bench_seed"
EVIDENCE = "smets1_bench_evidence"
INSTALLATION = "smets1_bench_installation"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("smets1-bench", "the station and the scenarios of smets1-bench")
    group.addoption(
        "--station",
        dest=STATION,
        default="",
        metavar="NAME|FILE",
        help="a shipped station by name, or a .yaml file: lends its devices to tests",
    )
    group.addoption(
        "--suite",
        dest=SUITES,
        action="append",
        default=[],
        metavar="NAME|FILE",
        help="a shipped suite by name, or a .yaml file; may be given several times",
    )
    group.addoption(
        "--suite-seed", dest=SEED, type=int, default=1, help="the seed of scenarios and tests"
    )
    group.addoption(
        "--installation",
        dest=INSTALLATION,
        default="da-dual-fuel",
        metavar="NAME|FILE",
        help="for a station that has no installation of its own (da-dual-fuel)",
    )
    group.addoption(
        "--evidence",
        dest=EVIDENCE,
        default="",
        metavar="DIR",
        help="where traces and captures of tests go; pytest's temporary folder unless told",
    )
    parser.addini(STATION, "the station that tests run on, as --station", default="")


def pytest_configure(config: pytest.Config) -> None:
    station = config.getoption(STATION) or config.getini(STATION)
    suites = config.getoption(SUITES)
    if not station and not suites:
        return
    from bench.pytest_plugin import asked

    asked.configure(config, station, suites)
