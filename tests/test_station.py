"""Stations that are emulated: the same suite through models, through drivers and over ptys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.errors import ExitCode
from bench.order import Order
from bench.runner import run_suite
from bench.shipped import find, names
from bench.station import DIRECT, ClockSource, Reach, read_station


def run_over(station: str, folder: Path) -> dict[str, tuple[str, str, dict[str, dict[str, int]]]]:
    held = read_station(find("stations", station))
    order = Order(find("suites", "default"), "default", 1, station=held, station_named=station)
    record = run_suite(order, folder)
    return {s.name: (s.verdict, s.outcome, s.rules) for s in record.scenarios}


@pytest.mark.parametrize("station", ["emulated-emu", "emulated-pty"])
def test_the_default_suite_is_judged_alike_through_models_and_through_drivers(
    tmp_path: Path, station: str
) -> None:
    driven = run_over(station, tmp_path / "driven")
    assert run_over("emulated-direct", tmp_path / "direct") == driven
    assert {verdict for verdict, _, _ in driven.values()} == {"pass"}


def test_a_run_through_drivers_can_be_repeated_to_the_byte_and_a_pty_costs_no_virtual_time(
    tmp_path: Path,
) -> None:
    traces = []
    for attempt, station in enumerate(("emulated-emu", "emulated-emu", "emulated-pty")):
        out = tmp_path / str(attempt)
        words = ["run", "key-rotation", "--station", station, "--out", str(out), "--json"]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == ExitCode.PASS, done.output
        record = json.loads(done.output)
        kept = (record["station"], record["kit"], record["clock"])
        assert kept == (station, "EMULATED", "virtual")
        assert f"--station {station}" in record["scenarios"][0]["replay"]
        traces.append((out / "trace.jsonl").read_bytes())
    assert traces[0] == traces[1] == traces[2]


@pytest.mark.parametrize("name", names("stations"))
def test_shipped_stations_read(name: str) -> None:
    station = read_station(find("stations", name))
    assert station.station == name
    assert station.about


def test_without_a_file_every_device_is_a_model() -> None:
    assert DIRECT.reached("electricity").reach is Reach.DIRECT
    assert DIRECT.clock_source is ClockSource.VIRTUAL
    assert not DIRECT.real


FAULTY = """
suite: faulty
scenarios:
  - scenario: in-pieces
    about: the answer to the third request to the meter comes in pieces
    installation: da-dual-fuel
    faults:
      - {fault: split-with-pauses, target: electricity, request: "*", nth: 3}
    expect: {outcome: commissioned, keys: {electricity: new, gas: new}}
"""


@pytest.mark.parametrize("station", ["emulated-direct", "emulated-emu", "emulated-pty"])
def test_a_fault_of_the_pipe_strikes_where_there_is_one(tmp_path: Path, station: str) -> None:
    suite = tmp_path / "faulty.yaml"
    suite.write_text(FAULTY, encoding="utf-8")
    held = read_station(find("stations", station))
    order = Order(suite, str(suite), 1, station=held, station_named=station)
    (scenario,) = run_suite(order, tmp_path / "out").scenarios
    if station == "emulated-direct":
        assert scenario.not_run == (
            "split-with-pauses strikes octets, and 'electricity' is reached direct: without any: "
            "use --station emulated-emu, or another with ports"
        )
    else:
        assert (scenario.verdict, scenario.mismatches) == ("pass", ())
        assert scenario.faults[0].startswith("split-with-pauses at electricity")


def test_a_fault_of_the_pipe_that_never_strikes_fails_the_scenario(tmp_path: Path) -> None:
    suite = tmp_path / "faulty.yaml"
    suite.write_text(FAULTY.replace("nth: 3", "nth: 100000"), encoding="utf-8")
    held = read_station(find("stations", "emulated-emu"))
    (scenario,) = run_suite(Order(suite, "", 1, station=held), tmp_path / "out").scenarios
    assert scenario.mismatches == (
        "fault split-with-pauses at electricity: expected to strike, got no such moment",
    )


def test_a_line_leaves_a_capture_that_can_be_told_apart_by_scenario(tmp_path: Path) -> None:
    names_run = ["da-rotation-reply-lost", "da-rotation-request-lost"]
    words = ["run", "key-rotation", "--station", "emulated-emu", "--out", str(tmp_path / "out")]
    for name in names_run:
        words += ["--scenario", name]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == ExitCode.PASS, done.output
    captures = tmp_path / "out" / "captures"
    assert {path.stem for path in captures.iterdir()} == {"electricity", "gas", "hub", "display"}
    show = ["capture", "show", str(captures / "electricity.jsonl"), "--no-octets"]
    shown = CliRunner().invoke(main, show)
    assert shown.exit_code == ExitCode.PASS, shown.output
    told = [line.partition("scenario: ")[2] for line in shown.output.splitlines()]
    assert [name for name in told if name] == names_run
    assert "!!" not in shown.output
    again = CliRunner().invoke(main, [*words, "--overwrite"])
    assert again.exit_code == ExitCode.PASS, again.output
    assert CliRunner().invoke(main, show).output == shown.output, "a capture is of one run"
