"""A pipe in the place of a run's file is refused at once, by its name; nothing waits for it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from bench.errors import ExitCode
from bench.evidence.contents import CHECKPOINTS, CLOCK, TRACE
from bench.journal import key_store, lock, store
from bench.live.status import STATUS
from tests.e2e.bench_on_ports import COMMAND

PATIENCE = 60
RUN = ("run", "--scenario", "da-commissioned", "--out", "run", "--overwrite")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that Ctrl-C stopped."""
    folder = tmp_path_factory.mktemp("stopped")
    running = subprocess.Popen(
        [*COMMAND, "run", "--out", "run"], cwd=folder, stdout=subprocess.DEVNULL
    )
    trace = folder / "run" / TRACE
    while not (trace.exists() and trace.stat().st_size):
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    running.wait(PATIENCE)
    return folder / "run"


def refused(folder: Path, name: str, *words: str) -> None:
    """With a pipe there, whoever would write to it or read it."""
    path = folder / "run" / name
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == ExitCode.BENCH, done.stderr
    assert f"{name}: " in done.stderr
    assert "expected a file, got a pipe" in done.stderr
    assert "hint: " in done.stderr


@pytest.mark.parametrize("name", [lock.FILE, store.HEAD, TRACE, CHECKPOINTS])
def test_a_run_that_is_taken_up(stopped: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(stopped, tmp_path / "run")
    refused(tmp_path, name, "resume", "run")


@pytest.mark.parametrize("name", [TRACE, CLOCK])
def test_a_new_run(tmp_path: Path, name: str) -> None:
    (tmp_path / "run").mkdir()
    refused(tmp_path, name, *RUN)


def test_the_keys_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    refused(tmp_path, key_store.FILE, "keys", "run")


def test_a_new_run_where_a_status_should_be(tmp_path: Path) -> None:
    """It only says how far the run is: a new one takes the pipe's place."""
    (tmp_path / "run").mkdir()
    os.mkfifo(tmp_path / "run" / STATUS)
    done = subprocess.run(
        [*COMMAND, *RUN], cwd=tmp_path, stdout=subprocess.DEVNULL, check=False, timeout=PATIENCE
    )
    assert done.returncode == ExitCode.PASS
    assert (tmp_path / "run" / STATUS).is_file()
