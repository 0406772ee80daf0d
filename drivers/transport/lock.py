"""A lock file per port, so that two runs never talk into each other's conversation.

The kernel's file lock is the lock, the file's text only says who holds it. So a lock dies with its
process, and the file a dead process left behind is taken over. The file is never removed: a
removed and re-created file would let two holders in.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shlex
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.errors import BenchError, Busy

_COMMAND_AT_MOST: Final = 200


class PortLock:
    """Held from construction to `release`. `Busy` names the holder's process and command.

    Two names of one device (`/dev/serial/by-id/…` and `/dev/ttyUSB0`) are one lock.
    """

    def __init__(self, port: str, directory: Path) -> None:
        canonical = os.path.realpath(port) if port.startswith("/") else port.lower()
        readable = re.sub(r"[^A-Za-z0-9]+", "-", canonical).strip("-")[-40:]
        digest = hashlib.sha256(canonical.encode()).hexdigest()[:12]
        self.path = directory / f"{readable}-{digest}.lock"
        try:
            self._file: int | None = os.open(
                self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
        except OSError as error:
            raise BenchError(f"cannot open the lock file {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(self._file)
            self._close()
            raise Busy(f"{port} is in use by {holder}", hint="stop it, or wait for it") from None
        text = json.dumps({"pid": os.getpid(), "command": _command(), "port": port})
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, text.encode(), 0)
        except OSError as error:
            self._close()
            raise BenchError(f"cannot write the lock file {self.path}: {error.strerror}") from error

    def release(self) -> None:
        """Safe to repeat."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def lock_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the locks live: `SMETS1_BENCH_LOCK_DIR`, else the user's runtime folder.

    Without either, a folder of the user's own in the system's folder for temporary files. The
    folder must belong to the user and to nobody else; `BenchError` if it does not.
    """
    named = environment.get("SMETS1_BENCH_LOCK_DIR")
    if named:
        directory = Path(named)
    elif environment.get("XDG_RUNTIME_DIR"):
        directory = Path(environment["XDG_RUNTIME_DIR"]) / "smets1-bench"
    else:
        directory = Path(tempfile.gettempdir()) / f"smets1-bench-{os.getuid()}"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
    except OSError as error:
        raise BenchError(f"cannot make the lock folder {directory}: {error.strerror}") from error
    if not named and (stat.S_ISLNK(found.st_mode) or found.st_uid != os.getuid()):
        raise BenchError(
            f"the lock folder {directory} belongs to somebody else",
            hint="set SMETS1_BENCH_LOCK_DIR to a folder of your own",
        )
    return directory


def _holder(file: int) -> str:
    try:
        said = json.loads(os.pread(file, 4096, 0))
        return f"process {int(said['pid'])} ({said['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"  # it has the lock but has not written its name yet


def _command() -> str:
    return shlex.join(sys.argv)[:_COMMAND_AT_MOST]
