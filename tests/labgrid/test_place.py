"""A station that is a place of labgrid, at a real coordinator and exporter."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from bench.cli import INTERRUPTED
from bench.errors import ExitCode
from bench.labgrid_place.client import user
from bench.safe_state.note import FILE as NOTE
from tests.labgrid.lab import PLACE, Lab, needs_labgrid

# A request to labgrid takes a second on an idle machine, and many on a busy one.
pytestmark = [needs_labgrid, pytest.mark.xdist_group("labgrid"), pytest.mark.timeout(400)]

OURS = user().partition("/")[2]


def run(suite: str, out: Path) -> tuple[str, ...]:
    return ("run", suite, "--station", "bench.yaml", "--tolerance", "10ms", "--out", str(out))


def test_a_run_holds_the_place_reaches_its_ports_and_releases_it(lab: Lab, tmp_path: Path) -> None:
    code, said = lab.bench(*run("suite.yaml", tmp_path / "out"))
    assert code == ExitCode.PASS, said
    record = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    (scenario,) = record["scenarios"]
    assert (scenario["verdict"], record["clock"], record["kit"]) == ("pass", "wall", "EMULATED")
    assert len([device for device in scenario["devices"] if device["identity"]]) == 4
    captures = tmp_path / "out" / "captures"
    assert {path.stem for path in captures.iterdir()} == {"electricity", "gas", "hub", "display"}
    assert lab.said.until("place acquired").endswith(f"{PLACE}: place acquired by {user()}")
    lab.said.until(f"{PLACE}: place released")


def test_what_somebody_else_holds_is_left_to_them(lab: Lab, tmp_path: Path) -> None:
    lab.client("-p", PLACE, "acquire")
    code, said = lab.bench(*run("idle.yaml", tmp_path / "out"))
    assert code == ExitCode.BENCH
    assert "is already acquired by" in said
    assert "/a-person" in said
    assert "hint: labgrid-client who" in said
    assert lab.holder().endswith("/a-person")
    assert "released" in lab.client("-p", PLACE, "release")


def test_what_a_dead_run_left_acquired_is_taken_over(lab: Lab, tmp_path: Path) -> None:
    assert "acquired" in lab.client("-p", PLACE, "acquire", name=OURS)
    code, said = lab.bench(*run("idle.yaml", tmp_path / "out"))
    assert code == ExitCode.INCONCLUSIVE, said
    assert "needs group EA" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_a_run_the_place_is_released(
    lab: Lab, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    with lab.start(*run("slow.yaml", out), "--json") as process:
        lab.said.until(f"place acquired by {user()}")
        code, said = lab.bench("power", "bench.yaml")  # while it is under way
        assert (code, "is in use by process" in said) == (ExitCode.BENCH, True), said
        process.send_signal(number)
        process.communicate()
        lab.said.until(f"{PLACE}: place released")
    ended = {signal.SIGKILL: -signal.SIGKILL}.get(number, INTERRUPTED)
    assert process.returncode == ended
    if number == signal.SIGKILL:
        note = json.loads((out / NOTE).read_text(encoding="utf-8"))
        assert note["by"].startswith("watchdog")
        assert (note["undo"], note["outcome"]) == (f"labgrid place {PLACE} released", "put back")


def test_mains_that_are_off_are_the_benchs_fault(lab: Lab, tmp_path: Path) -> None:
    lab.mains.on["1"] = False
    try:
        code, said = lab.bench(*run("suite.yaml", tmp_path / "out"))
    finally:
        lab.mains.on["1"] = True
    assert code == ExitCode.BENCH, said
    assert "hub: relay 2, which feeds it, is open" in said


def test_power_is_shown_set_and_cycled(lab: Lab) -> None:
    both = "channel 1: on  feeds electricity\nchannel 2: on  feeds hub\n"
    assert lab.bench("power", "bench.yaml") == (0, both)
    assert lab.bench("power", "bench.yaml", "hub", "off", "--yes") == (
        0,
        "channel 2: off  feeds hub\n",
    )
    assert lab.mains.on == {"0": True, "1": False}
    assert lab.bench("power", "bench.yaml", "hub", "on") == (0, "channel 2: on  feeds hub\n")


def test_a_switch_that_does_not_follow(lab: Lab) -> None:
    lab.mains.stuck = True
    try:
        code, said = lab.bench("power", "bench.yaml", "hub", "off", "--yes")
    finally:
        lab.mains.stuck = False
    assert code == ExitCode.BENCH
    assert f"{PLACE}: power 'mains-hub' was told off, and is on" in said


def test_a_cycle_that_is_killed_ends_with_the_mains_on(lab: Lab) -> None:
    with lab.start("power", "bench.yaml", "hub", "cycle", "--yes", "--off-for", "10min") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "channel 2: off  feeds hub\n"
        assert not lab.mains.on["1"]
        process.kill()
        process.communicate()  # its watchdogs have the pipe too: ends when they have
    assert lab.mains.on["1"]


def test_doctor_looks_at_a_place(lab: Lab) -> None:
    code, said = lab.bench("doctor", "bench.yaml")
    assert code == ExitCode.PASS, said
    assert said.count("[EMULATED]") == 4


@pytest.mark.parametrize(
    ("was", "is_", "expected"),
    [
        (f"place: {PLACE}", "place: rack", "has no place 'rack'; did you mean 'rack-3'?"),
        ("labgrid:gas", "labgrid:gsa", "no serial port called 'gsa'; it has "),
        ("hub: mains-hub", "hub: mains", "power 'mains' get: "),
        ("coordinator: '127.0.0.1:", "coordinator: '127.0.0.1:1 #", "does not answer"),
    ],
)
def test_a_place_that_is_not_as_the_file_says(
    lab: Lab, tmp_path: Path, was: str, is_: str, expected: str
) -> None:
    text = (lab.folder / "bench.yaml").read_text(encoding="utf-8")
    assert was in text
    other = lab.folder / "other.yaml"
    changed = text.replace(was, is_)
    if "#" in is_:
        changed = text.replace(lab.coordinator, "127.0.0.1:1")
    other.write_text(changed, encoding="utf-8")
    words = ("run", "suite.yaml", "--station", "other.yaml", "--out", str(tmp_path / "out"))
    code, said = lab.bench(*words)
    assert (code, expected in said) == (ExitCode.BENCH, True), said
