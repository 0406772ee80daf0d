"""A worker process: leaves Ctrl-C to the process that began it, and does not outlive that one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def begin_worker() -> None:
    """The first thing that a worker does.

    A terminal that is closed, as Ctrl-C, is for the process that began it, which ends its workers.
    If that process is killed, the worker ends in the middle of what it does.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a forked one has its parent's handler
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
