"""Which process runs a run, told so that a later process of the same number is not taken for it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from bench.errors import BenchError


def own_mark() -> str:
    """`pid/start`: the process number and when the system started it (clock ticks since boot)."""
    pid = os.getpid()
    return f"{pid}/{_started(pid)}"


def alive(mark: str) -> bool:
    """Whether the process that made the mark still runs, on this machine."""
    pid, started = _parsed(mark)
    return pid > 0 and bool(started) and _started(pid) == started


def stop(mark: str) -> None:
    """Asks the process to stop as Ctrl-C does. Safe to repeat. BenchError: it cannot be asked."""
    pid, _ = _parsed(mark)
    if not alive(mark):
        raise BenchError("the run is not running any more")
    try:
        os.kill(pid, signal.SIGINT)
    except OSError as error:
        raise BenchError(f"the run cannot be asked to stop: {error.strerror}") from error


def _parsed(mark: str) -> tuple[int, str]:
    pid, _, started = mark.partition("/")
    return (int(pid), started) if pid.isascii() and pid.isdigit() else (0, "")


def _started(pid: int) -> str:
    """Empty where there is no such process, or the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name before may hold blanks and brackets
    return fields[19] if len(fields) > 19 else ""
