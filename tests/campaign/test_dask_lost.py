"""A campaign on a Dask cluster that is not there, has no worker, or loses its scheduler."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.campaign import engine
from bench.campaign.engine import engine_for
from bench.campaign.working import Progress, work_through
from bench.errors import BenchError, UsageError
from tests.campaign.orders import order_of

pytest.importorskip("distributed")

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a program of Dask's by name; none of them outlives the test."""
    begun: list[subprocess.Popen[bytes]] = []

    def start_one(program: str, *words: str) -> subprocess.Popen[bytes]:
        command = (sys.executable, "-m", f"distributed.cli.{program}", *words)
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        begun.append(process)
        return process

    yield start_one
    for process in begun:
        process.kill()
        process.wait()


def _scheduler(start: Start, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    file = folder / "scheduler.json"
    words = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    process = start("dask_scheduler", *words)
    while not file.exists() or not file.read_text(encoding="utf-8").endswith("}"):
        assert process.poll() is None
        time.sleep(0.05)
    return process, json.loads(file.read_text(encoding="utf-8"))["address"]


@pytest.mark.timeout(120)
def test_a_scheduler_without_workers(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_FIRST_WORKER", 0.5)
    _, address = _scheduler(start, tmp_path)
    with pytest.raises(BenchError, match="has had no worker for") as caught:
        work_through(order_of(20), engine_for(1, address), tmp_path / "campaign")
    assert f"dask worker {address}" in caught.value.hint


@pytest.mark.timeout(240)
def test_a_scheduler_that_is_lost(
    start: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scheduler, address = _scheduler(start, tmp_path)
    start("dask_worker", address, "--nthreads", "1", "--no-dashboard")
    order = order_of(2_000, shard=10)

    def show(progress: Progress) -> None:
        scheduler.kill()

    folder = tmp_path / "campaign"
    with pytest.raises(BenchError, match="the Dask scheduler is gone") as caught:
        work_through(order, engine_for(1, address), folder, show=show)
    assert "--resume" in caught.value.hint
    assert "Traceback" not in capfd.readouterr().err
    kept = (folder / "shards.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(kept) > 1


@pytest.mark.parametrize("address", ["tls://127.0.0.1:8786", "http://127.0.0.1:8786", "host", ":1"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match="--dask: expected tcp://HOST:PORT"):
        engine_for(1, address)
