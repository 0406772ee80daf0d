"""`run` by the code path for real kit: another process hosts the devices, a person is asked."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import ExitCode
from bench.live.status import read_status
from drivers.modbus_relay_board import connect
from tests.e2e.bench_on_ports import BOARD, COMMAND, hosted, lay_out

RUN = ("run", "suite.yaml", "--station", "bench.yaml", "--overlay", "overlay.yaml")
OPTIONS = ("--tolerance", "1s", "--out", "out")


@dataclass
class Told:
    code: int
    screen: str
    record: dict[str, Any]
    trace: list[dict[str, Any]]

    @property
    def scenarios(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in self.record["scenarios"]}


def run_at_a_terminal(folder: Path, answers: dict[str, str]) -> Told:
    """Runs the command on a pseudo-terminal and types an answer where its question appears."""
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"SMETS1_BENCH_LOCK_DIR": str(folder), "TERM": "xterm"}
    screen, typed = "", dict(answers)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *RUN, *OPTIONS],
        cwd=folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as running:
        os.close(theirs)
        while True:
            select.select([ours], [], [])
            try:
                piece = os.read(ours, 65_536)
            except OSError:  # the other side closed
                break
            screen += piece.decode("utf-8", "replace")
            for question in [each for each in typed if each in screen]:
                os.write(ours, typed.pop(question).encode() + b"\n")
        os.close(ours)
    out = folder / "out"
    assert (out / "result.json").exists(), screen
    trace = (out / "trace.jsonl").read_text(encoding="utf-8").splitlines()
    record = json.loads((out / "result.json").read_text(encoding="utf-8"))
    return Told(running.returncode, screen, record, [json.loads(line) for line in trace])


QUESTIONS = ("electricity meter?", "show a reading?")


def test_a_run_on_ports_with_a_person_at_the_bench(tmp_path: Path) -> None:
    lay_out(tmp_path)
    with hosted(tmp_path, "--fault", "request-lost@electricity:request=rotate_key"):
        told = run_at_a_terminal(tmp_path, dict.fromkeys(QUESTIONS, "yes"))
    assert told.code == ExitCode.PASS, told.screen
    scenario = told.scenarios["retried"]
    assert (scenario["verdict"], scenario["mismatches"]) == ("pass", []), told.screen
    assert scenario["rules"]["3.3-sua-retry"]["passed"] == 1
    # By what the devices say, not by the ports they are on.
    assert (told.record["kit"], told.record["clock"]) == ("EMULATED", "wall")
    assert {device["emulated"] for device in scenario["devices"]} == {True}
    assert told.record["tolerance_s"] == 1
    assert "--tolerance 1s" in scenario["replay"]
    # Who answered and when.
    asked = [event for event in told.trace if event["event"] == "operator"]
    assert [(each["answer"], each["by"]) for each in asked] == [("yes", "K. Example")] * 2
    assert [told.trace.index(each) for each in asked] == [1, len(told.trace) - 2]
    assert [each["step"] for each in scenario["operator"]] == ["before", "after"]
    # It was seen while it went on, in the terminal, and is published for who looks on.
    for seen in ("attempt", "of 4: rotate of electricity", "account", "next"):
        assert seen in told.screen, seen
    status = read_status(tmp_path / "out")
    assert status is not None
    assert (status.state, status.verdict, status.kit) == (
        "finished",
        told.record["verdict"],
        "EMULATED",
    )
    assert status.done == 3
    # What the bench lacks is not run, and says why.
    assert (
        "can be put into an emulated device only"
        in (told.scenarios["needs-an-emulated-meter"]["not_run"])
    )
    assert (
        "it needs group EA, the station's installation has DA"
        in (told.scenarios["another-group"]["not_run"])
    )
    # Every octet is kept, and can be read.
    shown = subprocess.run(
        [*COMMAND, "capture", "show", "out/captures/electricity.jsonl", "--no-octets"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "scenario: retried" in shown
    assert "!!" not in shown


def test_a_person_who_says_no_before_it_begins(tmp_path: Path) -> None:
    lay_out(tmp_path)
    with hosted(tmp_path):
        told = run_at_a_terminal(tmp_path, {QUESTIONS[0]: "no"})
    assert told.code == ExitCode.INCONCLUSIVE, told.screen
    assert "the operator answered 'no'" in told.scenarios["retried"]["not_run"]
    assert told.trace == []


def test_the_wrong_device_is_the_benchs_fault(tmp_path: Path) -> None:
    lay_out(tmp_path)
    with hosted(tmp_path):
        station = tmp_path / "bench.yaml"
        text = station.read_text(encoding="utf-8")
        station.write_text(text.replace("model: CH-1", "model: CH-2"), encoding="utf-8")
        told = run_at_a_terminal(tmp_path, {})
    assert told.code == ExitCode.BENCH, told.screen
    assert told.scenarios["retried"]["mismatches"] == [
        "hub: expected model CH-2, got CH-1; look at what is plugged in where, or mend the "
        "station file"
    ]


def test_a_device_without_mains_is_the_benchs_fault(tmp_path: Path) -> None:
    lay_out(tmp_path)
    with hosted(tmp_path):
        board = connect(str(tmp_path / BOARD))
        board.set_channel(2, closed=False)
        board.close()
        told = run_at_a_terminal(tmp_path, {})
    assert told.code == ExitCode.BENCH, told.screen
    assert told.scenarios["retried"]["mismatches"] == [
        "hub: relay 2, which feeds it, is open; "
        "smets1-bench power shows and sets the relays of a station"
    ]


def test_nobody_is_asked_without_a_terminal(tmp_path: Path) -> None:
    lay_out(tmp_path)
    done = subprocess.run(
        [*COMMAND, *RUN, *OPTIONS, "--scenario", "retried"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == ExitCode.INCONCLUSIVE, done.stderr
    assert "it asks a person, and nobody is there to be asked" in " ".join(done.stdout.split())
