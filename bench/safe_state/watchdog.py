"""`python -m bench.safe_state.watchdog RUN`: puts kit back when the run that started it is dead.

Standard input brings a line for each undo that is registered or settled; each is acknowledged. At
the end of the input, which also comes when the run was killed, what is still registered is done,
the last first, and noted in the run's folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

from bench.errors import BenchError, Busy, PeerError, PortGone
from bench.safe_state.note import note
from bench.safe_state.undo import Undo, do_from_outside, from_data

_TRIES: Final = 5
_PAUSE_S: Final = 1.0


def watch(lines: Iterable[str], answers: TextIO) -> list[Undo]:
    """Follows what is told until the input ends; returns what is left to do, the last first."""
    due: list[Undo] = []
    for line in lines:
        word, data = json.loads(line)
        undo = from_data(data)
        if word == "register":
            due.append(undo)
        elif undo in due:
            due.remove(undo)
        with suppress(BrokenPipeError):
            answers.write(f"{word}\n")
            answers.flush()
    return due[::-1]


def put_back(undo: Undo) -> str:
    """Does it, more than once while the dead run's port is not free yet; says what came of it."""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE_S)
        try:
            do_from_outside(undo)
        except (Busy, PortGone) as error:
            outcome = f"failed: {error}"
        except (BenchError, PeerError) as error:
            return f"failed: {error}"
        else:
            return "put back"
    return outcome


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    folder = Path(sys.argv[1])
    for undo in watch(sys.stdin, sys.stdout):
        outcome = put_back(undo)
        with suppress(OSError):
            note(folder, f"watchdog {os.getpid()}", str(undo), outcome)


if __name__ == "__main__":
    main()
