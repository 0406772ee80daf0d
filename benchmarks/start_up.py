"""What each command costs before it does anything, against Python doing nothing."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.cli import COMMANDS
from bench.shipped import fixtures
from benchmarks.measure import Row

COMMAND = str(Path(sys.executable).with_name("smets1-bench"))
TRACE = str(fixtures() / "traces" / "3.4.1-ea" / "five-repeats.jsonl")


def rows() -> Iterator[Row]:
    limit = _cpu([sys.executable, "-c", "pass"])
    against = f"python -c pass ({limit:.3f} s of CPU)"
    for what, *words in (
        ("--help", "--help"),
        ("list", "list"),
        ("rules", "rules"),
        ("check of a small trace", "check", TRACE),
        *((f"{name} --help", name, "--help") for name in COMMANDS),
    ):
        yield Row(f"start-up: {what}", against, 1, _cpu([COMMAND, *words]), limit)


def _cpu(words: list[str], rounds: int = 3) -> float:
    times = []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)
