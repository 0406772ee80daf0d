"""Kills runs with kill -9 and takes them up again, until they have ended.

Each run and each resumption is a fork of this process, which has everything imported: so a kill
costs milliseconds. What is compared in the end is what the devices, in another process, say that
they executed.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.cli.resume import resume
from bench.journal.entry import Entry
from bench.journal.run_journal import taken_up
from bench.journal.store import Journal, Keep
from bench.runner import Order, order_again, run_suite

KILLED = -signal.SIGKILL


def in_child(act: Callable[[], None], *, log: Path) -> int:
    """Forks, does it, and returns how the child ended: its exit code, or minus its signal."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            null = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(null, 1)
            os.dup2(null, 2)
            act()
            code = 0
        except BaseException:
            traceback.print_exc(file=sys.stderr)
            sys.stderr.flush()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def start(order: Order, folder: Path) -> None:
    run_suite(order, folder)


def go_on(folder: Path) -> None:
    with taken_up(folder) as (ordered, journal):
        order = order_again(ordered)
        run_suite(order, folder, taken_up=journal)


def killed_at(entry: int) -> None:
    """In this process the journal's write of that number is the last thing that happens."""
    add, written = Journal.add, 0

    def add_and_die(self: Journal, what: Entry, keep: Keep) -> None:
        nonlocal written
        add(self, what, keep)
        written += 1
        if written == entry:
            os.kill(os.getpid(), signal.SIGKILL)

    Journal.add = add_and_die  # type: ignore[method-assign]


__all__ = ["KILLED", "go_on", "in_child", "killed_at", "replace", "resume", "start"]
