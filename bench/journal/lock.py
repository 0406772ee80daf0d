"""One process at a time on a run's folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.errors import BenchError, Busy
from bench.journal.next_step import next_step
from bench.plain_file import refuse_others

FILE: Final = "run.lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder; the system lets go of it when the process ends, however it ends.

    Raises `Busy` where another process holds it; `BenchError` where it cannot be held.
    """
    refuse_others(folder, (FILE,))
    try:
        handle = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BenchError(
            f"{folder}: cannot be locked: {error.strerror}", hint=next_step(folder, (FILE,))
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
            raise Busy(
                f"{folder}: another process is on this run{f': {holder}' if holder else ''}",
                hint="wait until it has ended, or stop it with Ctrl-C",
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(handle)
