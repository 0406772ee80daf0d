"""`smets1-bench run` as installed: exit codes, what is kept, what is refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import ExitCode

COMMAND = Path(sys.executable).with_name("smets1-bench")

WRITTEN = {
    "trace.jsonl",
    "result.json",
    "junit.xml",
    "report.html",
    "mrr6.csv",
    "checkpoints.jsonl",
    "clock.json",
    "environment.json",
    "inputs",
    "journal.db",
    "journal.head",
    "run.lock",
    "status.json",
}

CLOSED = '"event": "closed"'

GOOD = """
suite: good
scenarios:
  - scenario: comes-through
    about: nothing goes wrong
    installation: ea-dual-fuel
    expect: {outcome: commissioned}
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), *words], cwd=folder, capture_output=True, text=True, timeout=100
    )


def write(folder: Path, text: str) -> str:
    (folder / "suite.yaml").write_text(text, encoding="utf-8")
    return "suite.yaml"


def test_a_good_suite_exits_0_and_leaves_every_output(tmp_path: Path) -> None:
    done = run(tmp_path, "run", write(tmp_path, GOOD), "--out", "out")
    assert done.returncode == ExitCode.PASS, done.stderr
    assert "comes-through" in done.stdout
    assert "report: out/report.html" in done.stdout
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == WRITTEN
    check = run(tmp_path, "check", "out/trace.jsonl")
    assert check.returncode == ExitCode.PASS, check.stdout


def test_a_missed_expectation_exits_1_and_names_the_command_that_replays_it(
    tmp_path: Path,
) -> None:
    suite = write(tmp_path, GOOD.replace("commissioned", "parked"))
    done = run(tmp_path, "run", suite, "--seed", "7", "--json")
    assert done.returncode == ExitCode.FAIL
    (scenario,) = json.loads(done.stdout)["scenarios"]
    assert scenario["mismatches"] == ["outcome: expected parked, got commissioned"]
    assert scenario["replay"] == "smets1-bench run suite.yaml --scenario comes-through --seed 7"
    text = run(tmp_path, "run", suite, "--seed", "7").stdout
    assert scenario["replay"] in text
    assert "outcome: expected parked, got commissioned" in text


def test_strict_makes_an_inconclusive_certificate_exit_3(tmp_path: Path) -> None:
    suite = write(tmp_path, GOOD)
    assert run(tmp_path, "run", suite, "--strict").returncode == ExitCode.INCONCLUSIVE


def test_every_complaint_about_a_file_comes_at_once_with_exit_2(tmp_path: Path) -> None:
    bad = GOOD.replace("commissioned", "comissioned").replace("ea-dual-fuel", "ea-dual-feul")
    done = run(tmp_path, "run", write(tmp_path, bad.replace("about:", "abuot:")))
    assert done.returncode == ExitCode.USAGE
    assert done.stdout == ""
    places = [line.split(": ")[1] for line in done.stderr.splitlines() if "suite.yaml" in line]
    assert len(places) >= 2, done.stderr
    assert "did you mean 'about'?" in done.stderr
    assert "did you mean 'commissioned'?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_written_is_the_benchs_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    done = run(tmp_path, "run", write(tmp_path, GOOD), "--out", "file/out")
    assert done.returncode == ExitCode.BENCH, done.stderr
    assert "cannot be written" in done.stderr
    assert "hint: " in done.stderr


def test_a_folder_that_holds_a_run_is_not_written_over_unasked(tmp_path: Path) -> None:
    suite = write(tmp_path, GOOD)
    assert run(tmp_path, "run", suite, "--out", "out").returncode == ExitCode.PASS
    before = (tmp_path / "out" / "result.json").read_bytes()
    again = run(tmp_path, "run", suite, "--out", "out", "--seed", "2")
    assert again.returncode == ExitCode.USAGE
    assert "holds a run already" in again.stderr
    assert (tmp_path / "out" / "result.json").read_bytes() == before
    forced = run(tmp_path, "run", suite, "--out", "out", "--seed", "2", "--overwrite")
    assert forced.returncode == ExitCode.PASS


def test_without_out_each_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    suite = write(tmp_path, GOOD)
    for _ in range(2):
        assert run(tmp_path, "run", suite).returncode == ExitCode.PASS
    runs = tmp_path / "runs"
    folders = [path for path in runs.iterdir() if not path.is_symlink()]
    assert len(folders) == 2
    assert (runs / "latest" / "report.html").is_file()


def test_ctrl_c_keeps_what_is_done_and_says_what_was_not_run(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [str(COMMAND), "run", "default", "--out", "out"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    trace = tmp_path / "out" / "trace.jsonl"
    while process.poll() is None and not (trace.exists() and trace.read_text().count(CLOSED) > 1):
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=100)
    if process.returncode == ExitCode.PASS:
        pytest.skip("the run was over before the signal reached it")
    assert process.returncode == 130, err
    assert "Traceback" not in err
    record = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    done = [s for s in record["scenarios"] if not s["not_run"]]
    left = [s for s in record["scenarios"] if s["not_run"]]
    assert done
    assert left
    assert "SIGINT" in left[0]["not_run"]
    assert (tmp_path / "out" / "report.html").is_file()
    assert "not run" in out
    assert all(c["verdict"] != "pass" for c in record["certificates"])


def test_an_unknown_scenario_is_guessed(tmp_path: Path) -> None:
    done = run(tmp_path, "run", "--scenario", "da-comissioned")
    assert done.returncode == ExitCode.USAGE
    assert "no scenario is called 'da-comissioned'; did you mean 'da-commissioned'?" in done.stderr
