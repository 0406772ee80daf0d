"""The program `labgrid-client`: one request, one process."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.errors import BenchError, UsageError

PROGRAM: Final = "labgrid-client"
PROGRAM_VARIABLE: Final = "SMETS1_BENCH_LABGRID_CLIENT"

_PATIENCE_S: Final = 60.0
_NOT_OURS: Final = (
    *("LG_ENV", "LG_PLACE", "LG_STATE", "LG_INITIAL_STATE", "LG_COORDINATOR", "LG_TOKEN"),
    *("PLACE", "STATE"),
)
"""What a person set for labgrid at a shell must not steer a run."""


class Declined(Exception):
    """labgrid said no. The text is its own, in one line."""


def ask(coordinator: str, *words: str) -> str:
    """What the program prints. `coordinator`: HOST:PORT.

    A Ctrl-C at the terminal does not reach it: what was begun is finished. Raises `Declined`;
    `UsageError` where there is no such program, `BenchError` where it does not come to an end.
    """
    try:
        done = subprocess.run(
            [_program(os.environ), "-x", coordinator, *words],
            env=_environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(
            f"labgrid at {coordinator}: no answer within {_PATIENCE_S:.0f} s to: {' '.join(words)}",
            hint="is the coordinator well? does the power switch answer?",
        ) from None
    except OSError as error:
        raise BenchError(f"{PROGRAM} does not start: {error.strerror}") from error
    if done.returncode:
        raise Declined(_said(done.stderr or done.stdout) or f"exit code {done.returncode}")
    return done.stdout


def user(environment: Mapping[str, str] = os.environ) -> str:
    """As whom a place is acquired: `HOST/smets1-bench.USER`, which no person is.

    So a place held by that name is held by a run of this user on this machine, or was by one that
    is dead.
    """
    host = environment.get("LG_HOSTNAME") or socket.gethostname()
    return f"{host}/{_name(environment)}"


def _name(environment: Mapping[str, str]) -> str:
    return f"smets1-bench.{environment.get('LG_USERNAME') or getpass.getuser()}"


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in inherited.items() if name not in _NOT_OURS}
    return {**kept, "LG_USERNAME": _name(inherited)}


def _program(environment: Mapping[str, str]) -> str:
    named = environment.get(PROGRAM_VARIABLE)
    beside = str(Path(sys.executable).parent)
    path = os.pathsep.join([beside, environment.get("PATH", os.defpath)])
    found = shutil.which(named or PROGRAM, path=path)
    if found is None:
        raise UsageError(
            f"the station names a labgrid place, and {named or PROGRAM} is not installed",
            hint="pip install labgrid, best in an environment of its own, and name its "
            f"labgrid-client in {PROGRAM_VARIABLE} (docs/labgrid.md)",
        )
    return found


def _said(text: str) -> str:
    """The last line that says anything, without the name of the program."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    said = lines[-1]
    for before in (f"{PROGRAM}: ", "Server error: ", "Error: "):
        said = said.removeprefix(before)
    return said
