"""`resume` as a user meets it: stopped runs go on, and what cannot go on says why."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.clock import Cancelled
from bench.errors import ExitCode
from bench.journal import run_head
from bench.journal.lock import locked
from bench.journal.run_head import process_fingerprint
from bench.journal.store import FILE
from tests.e2e.bench_on_ports import COMMAND

SCENARIOS = ("da-commissioned", "da-rotation-reply-lost")
INTERRUPTED = 130


def bench(folder: Path, *words: str, limit: Callable[[], None] | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def run(folder: Path, out: str, limit: Callable[[], None] | None = None) -> tuple[int, str]:
    chosen = [word for name in SCENARIOS for word in ("--scenario", name)]
    return bench(folder, "run", *chosen, "--out", out, limit=limit)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    assert run(folder, "out") == (0, "")
    return folder / "out"


def test_a_run_that_has_finished_says_so(whole: Path) -> None:
    code, said = bench(whole.parent, "resume", "out")
    assert code == ExitCode.USAGE
    assert "the run has finished: pass" in said


@pytest.mark.parametrize("kilobytes", [1, 24, 60])
def test_a_full_disk_stops_the_run_and_it_can_be_taken_up(
    tmp_path: Path, whole: Path, kilobytes: int
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, kilobytes * 1024))

    code, said = run(tmp_path, "out", limit)
    assert code == ExitCode.BENCH
    assert "cannot be written" in said
    if "nothing was begun" in said:
        assert bench(tmp_path, "resume", "out")[0] == ExitCode.USAGE
        assert kilobytes < 60
        return
    assert bench(tmp_path, "resume", "out") == (0, "")
    for name in ("trace.jsonl", "result.json"):
        assert (tmp_path / "out" / name).read_bytes() == (whole / name).read_bytes()


def test_another_process_is_refused(whole: Path) -> None:
    with locked(whole):
        code, said = bench(whole.parent, "resume", "out")
    assert code == ExitCode.BENCH
    assert f"another process is on this run: {os.getpid()}" in said


def test_what_is_no_run(tmp_path: Path) -> None:
    code, said = bench(tmp_path, "resume", "nowhere")
    assert (code, "there is no such folder" in said) == (ExitCode.USAGE, True)
    code, said = bench(tmp_path, "resume", ".")
    assert (code, "there is no journal" in said) == (ExitCode.USAGE, True)
    assert not list(tmp_path.iterdir()), "nothing of ours is left in a folder that is no run"
    (tmp_path / "file").touch()
    code, said = bench(tmp_path, "resume", "file")
    assert (code, "file: expected a folder, got a file" in said) == (ExitCode.USAGE, True)
    (tmp_path / FILE).write_bytes(b"not a database at all, whatever its name says it is" * 10)
    code, said = bench(tmp_path, "resume", ".")
    assert code == ExitCode.BENCH
    assert "journal" in said


def test_the_process_is_known_by_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = process_fingerprint()
    assert before == process_fingerprint()
    monkeypatch.setattr(run_head, "PROCESS", ("bench.migration", "bench.mehrs"))
    assert process_fingerprint() != before


def test_ctrl_c_again_while_the_report_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*words: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        raise Cancelled("SIGINT")

    def interrupted_again(folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.scenario.run.migrate", interrupted)
    monkeypatch.setattr("bench.report.render.render", interrupted_again)
    out = tmp_path / "out"
    words = ["run", "--scenario", SCENARIOS[0], "--out", str(out)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == INTERRUPTED
    told = f"stopped; go on with: smets1-bench resume {out}\ninterrupted\n"
    assert told in result.output
    assert (out / "result.json").exists()


def test_ctrl_c_and_resume(tmp_path: Path) -> None:
    """A suite long enough to be interrupted; the signal comes when the journal shows progress."""
    running = subprocess.Popen(
        [*COMMAND, "run", "--out", "out"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    trace = tmp_path / "out" / "trace.jsonl"
    while not (trace.exists() and trace.stat().st_size):
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, said = running.communicate()
    assert running.returncode == INTERRUPTED
    assert "go on with: smets1-bench resume out" in said
    code, said = bench(tmp_path, "resume", "out")
    assert code in (ExitCode.PASS, ExitCode.FAIL), said
    assert bench(tmp_path, "resume", "out")[0] == ExitCode.USAGE
