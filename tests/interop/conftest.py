"""At the end of a run: which peers took part, by version."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

_PEERS = Path(__file__).with_name("peers.txt")
_LOOK = """
import sys
from importlib.metadata import PackageNotFoundError, version
for name in sys.argv[1:]:
    try:
        print(name, version(name))
    except PackageNotFoundError:
        print(name, "is not installed")
"""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("peers")
    for line in _versions():
        terminalreporter.line(line)


def _versions() -> Iterator[str]:
    yield f"pymodbus {version('pymodbus')}"
    mbpoll = shutil.which("mbpoll")
    if mbpoll is None:
        yield "mbpoll: not on the PATH (Debian: apt-get install mbpoll)"
    else:
        said = subprocess.run([mbpoll, "-V"], capture_output=True, text=True, check=False)
        yield f"mbpoll {(said.stdout + said.stderr).strip().splitlines()[0]}"
    python = os.environ.get("SMETS1_BENCH_PEERS")
    if not python:
        yield "DLMS and IEC 62056-21: none, SMETS1_BENCH_PEERS names no Python (make peers)"
        return
    names = re.findall(r"^([\w-]+)==", _PEERS.read_text(), re.MULTILINE)
    said = subprocess.run([python, "-c", _LOOK, *names], capture_output=True, text=True, check=True)
    yield from said.stdout.splitlines()
