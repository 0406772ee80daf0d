"""One suite on several stations, each in a process of its own; whatever becomes of one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from bench.cli import INTERRUPTED, main
from bench.errors import ExitCode
from bench.farm.merging import write
from bench.farm.plan import FarmStation
from bench.farm.record import FarmRecord, StationRecord
from tests.e2e.bench_on_ports import COMMAND

SUITE = """\
suite: short
scenarios:
  - scenario: commissioned
    about: nothing goes wrong
    installation: da-dual-fuel
    expect: {outcome: commissioned, keys: {electricity: new, gas: new}}
  - scenario: on-a-line
    about: an answer in pieces, where there is a line
    installation: da-dual-fuel
    faults:
      - {fault: split-with-pauses, target: electricity, request: "*", nth: 3}
    expect: {outcome: commissioned}
"""

DEVIANT = """\
station: deviant
about: its meter takes every command and keeps the key it has
devices: {electricity: {deviant: denies-every-second-proof}}
"""

NOBODY = """\
station: nobody
about: nothing is at its port
installation:
  group: DA
  devices:
    electricity: {role: electricity-meter, eui64: 70-B3-D5-1F-30-A0-77-01, model: EM-1}
    gas: {role: gas-meter, eui64: 70-B3-D5-1F-30-A0-77-02, model: GM-1}
    display: {role: ihd, eui64: 70-B3-D5-1F-30-A0-77-09, model: IHD-1}
    hub:
      role: comms-hub
      eui64: 70-B3-D5-1F-30-A0-77-08
      model: CH-1
      port: /nonexistent/hub
      profile: generic-console-hub
"""

SLOW = "station: slow\nabout: on the wall clock, so that it takes for days\nclock: wall\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SMETS1_BENCH_LOCK_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("suite", SUITE),
        ("deviant", DEVIANT),
        ("nobody", NOBODY),
        ("slow", SLOW),
    ):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def farmed(folder: Path) -> dict[str, dict[str, Any]]:
    said = json.loads((folder / "out" / "farm.json").read_text(encoding="utf-8"))
    return {each["name"]: each for each in said["stations"]}


def test_one_that_fails_stops_no_other(folder: Path) -> None:
    words = ["farm", "suite.yaml", "--seed", "7", "--out", "out"]
    for station in ("nobody.yaml", "emulated-emu", "deviant.yaml"):
        words += ["--station", station]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == ExitCode.BENCH, done.output
    stations = farmed(folder)
    assert [*stations] == ["nobody", "emulated-emu", "deviant"], "in the order they were named"
    assert {name: each["scenarios"] for name, each in stations.items()} == {
        "nobody": {"commissioned": "bench-error", "on-a-line": "not run"},
        "emulated-emu": dict.fromkeys(("commissioned", "on-a-line"), "pass"),
        "deviant": {"commissioned": "fail", "on-a-line": "not run"},
    }
    kits = [each["kit"] for each in stations.values()]
    assert (kits, done.stdout.splitlines()[-2].split()[0]) == (
        ["UNHEARD", "EMULATED", "EMULATED"],
        "EMULATED",
    )
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line.strip()}
    assert rows["commissioned"] == ["!", "✓", "✗"]
    assert rows["on-a-line"] == ["–", "✓", "–"]
    # Each run is as if it had been alone.
    run = json.loads((folder / "out" / "emulated-emu" / "result.json").read_text(encoding="utf-8"))
    assert (run["seed"], run["verdict"]) == (7, "pass")
    page = (folder / "out" / "farm.html").read_text(encoding="utf-8")
    assert 'href="emulated-emu/report.html"' in page
    assert (folder / "out" / "emulated-emu" / "report.html").exists()
    junit = ET.parse(folder / "out" / "junit.xml").getroot()
    assert [suite.get("name") for suite in junit] == [
        "nobody: short",
        "emulated-emu: short",
        "deviant: short",
    ]
    counts = [junit.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counts == ["6", "1", "1", "2"]


@contextmanager
def slow_beside_quick(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A farm whose quick station has ended, and whose slow one is under way."""
    words = [*COMMAND, "farm", "suite.yaml", "--out", "out", "--json"]
    words += ["--station", "slow.yaml", "--station", "emulated-direct"]
    with subprocess.Popen(
        words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = [process.stderr.readline(), process.stderr.readline()]
        assert "emulated-direct: ✓ pass" in said[1], said
        yield process


def run_of(farm: subprocess.Popen[str]) -> int:
    """The process of the one run that is left."""
    below = Path(f"/proc/{farm.pid}/task").glob("*/children")
    (child,) = [int(pid) for path in below for pid in path.read_text().split()]
    return child


def test_ctrl_c_stops_every_run_in_order(folder: Path) -> None:
    with slow_beside_quick(folder) as process:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate()
    assert process.returncode == INTERRUPTED
    stations = {each["name"]: each for each in json.loads(out)["stations"]}
    assert stations["emulated-direct"]["verdict"] == "pass"
    slow = stations["slow"]
    assert (slow["stopped"], slow["verdict"]) == ("SIGINT", "inconclusive")
    assert "smets1-bench resume out/slow" in slow["end"]
    assert (folder / "out" / "slow" / "result.json").exists()


def test_a_run_that_is_killed_is_the_benchs_fault_until_it_is_merged_again(folder: Path) -> None:
    with slow_beside_quick(folder) as process:
        os.kill(run_of(process), signal.SIGKILL)
        process.communicate()
    assert process.returncode == ExitCode.BENCH
    slow = farmed(folder)["slow"]
    assert (slow["verdict"], slow["end"], slow["kit"]) == ("bench-error", "killed by SIGKILL", "")
    junit = ET.parse(folder / "out" / "junit.xml").getroot()
    assert [case.get("message") for case in junit.iter("error")] == ["killed by SIGKILL"]
    # As if it had been resumed since.
    done = folder / "out" / "emulated-direct"
    for name in ("result.json", "junit.xml"):
        shutil.copy(done / name, folder / "out" / "slow" / name)
    merged = CliRunner().invoke(main, ["farm", "--merge", "out"])
    assert merged.exit_code == ExitCode.PASS, merged.output
    assert farmed(folder)["slow"]["end"] == ""


def test_what_a_station_says_steers_no_page_and_no_terminal(tmp_path: Path) -> None:
    hostile = "<script>\x1b[2J"
    scenarios = {hostile: "fail"}
    station = StationRecord(hostile, "x", "a b", "fail", "REAL", "wall", "", hostile, scenarios)
    write(FarmRecord(hostile, 1, "tool", (FarmStation(hostile, "x", "a b"),), (station,)), tmp_path)
    page = (tmp_path / "farm.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert 'href="a%20b/report.html"' in page
    done = CliRunner().invoke(main, ["farm", "--merge", str(tmp_path)])
    assert done.exit_code == ExitCode.FAIL, done.output
    assert "\x1b" not in done.output
