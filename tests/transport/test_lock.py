from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from real_ports import Adapter

from bench.clock import WallClock
from bench.errors import BenchError, Busy
from drivers.transport.line import LineSettings
from drivers.transport.lock import PortLock, lock_directory
from drivers.transport.opening import open_transport

HOLD = """
import sys
from pathlib import Path
from drivers.transport.lock import PortLock
lock = PortLock(sys.argv[1], Path(sys.argv[2]))
print("held", flush=True)
sys.stdin.readline()
"""


@contextmanager
def held_elsewhere(port: str, directory: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, port, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_busy_names_the_other_process_and_its_command(adapter: Adapter, tmp_path: Path) -> None:
    port = str(adapter.path)
    with held_elsewhere(port, tmp_path) as other:
        with pytest.raises(Busy, match=rf"usb-meter is in use by process {other.pid} \(-c ") as no:
            open_transport(port, LineSettings(), WallClock(), locks=tmp_path)
        assert "usb-meter" in str(no.value)
    open_transport(port, LineSettings(), WallClock(), locks=tmp_path).close()


def test_a_dead_process_leaves_its_file_but_not_its_lock(tmp_path: Path) -> None:
    with held_elsewhere("socket://h:1", tmp_path) as other:
        other.kill()
        other.wait()
        left = list(tmp_path.glob("*.lock"))
        assert json.loads(left[0].read_text())["pid"] == other.pid
        PortLock("socket://h:1", tmp_path).release()
        assert list(tmp_path.glob("*.lock")) == left


def test_two_names_of_one_device_are_one_lock(adapter: Adapter, tmp_path: Path) -> None:
    lock = PortLock(str(adapter.path), tmp_path)
    with pytest.raises(Busy):
        PortLock(str(adapter.path.resolve()), tmp_path)
    lock.release()
    lock.release()
    PortLock(str(adapter.path.resolve()), tmp_path).release()


def test_a_failed_opening_leaves_no_lock(tmp_path: Path) -> None:
    port = str(tmp_path / "absent")
    for _ in range(2):
        with pytest.raises(BenchError, match="cannot be opened"):
            open_transport(port, LineSettings(), WallClock(), locks=tmp_path)


def test_a_holder_that_has_not_written_its_name_yet(tmp_path: Path) -> None:
    lock = PortLock("socket://h:2", tmp_path)
    lock.path.write_text("{")
    with pytest.raises(Busy, match="another process"):
        PortLock("socket://h:2", tmp_path)
    lock.release()


def test_where_the_locks_live(tmp_path: Path) -> None:
    named = tmp_path / "named"
    assert lock_directory({"SMETS1_BENCH_LOCK_DIR": str(named)}) == named
    runtime = lock_directory({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert runtime == tmp_path / "smets1-bench"
    assert runtime.stat().st_mode & 0o077 == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "smets1-bench").symlink_to(named)
    with pytest.raises(BenchError, match="belongs to somebody else"):
        lock_directory({"XDG_RUNTIME_DIR": str(tmp_path / "other")})
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match="cannot make the lock folder"):
        lock_directory({"SMETS1_BENCH_LOCK_DIR": str(tmp_path / "file")})


def test_a_symlink_in_the_lock_files_place_is_not_followed(tmp_path: Path) -> None:
    lock = PortLock("socket://h:3", tmp_path)
    lock.release()
    lock.path.unlink()
    lock.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BenchError, match="cannot open the lock file"):
        PortLock("socket://h:3", tmp_path)
    assert not (tmp_path / "elsewhere").exists()
