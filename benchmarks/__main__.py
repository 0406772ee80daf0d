"""`make bench`: every measurement. A table of rates and ratios, then growth with size.

A ratio says how many times as long ours takes as what stands beside it, on the same work in the
same run. `--full` (make bench ARGS=--full) also takes the sizes that need many minutes.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys

from benchmarks import checking, journal, process, retry_core, rules_peers, start_up

PARTS = (start_up, process, journal, retry_core, checking, rules_peers)

GROWTH = (
    ("benchmarks.campaign", "1000", "10000", "100000"),
    ("benchmarks.large_checking", "--events", "100000"),
)
FULL = (
    ("benchmarks.campaign", "1000000"),
    ("benchmarks.large_checking", "--events", "1000000"),
    ("benchmarks.large_checking", "--events", "10000000"),
)


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--full", action="store_true")
    given = options.parse_args()
    load = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores,"
        f" load {load:.0f}; CPU time, best of several rounds"
    )
    print(f"{'what':<44} {'ours':>14}  {'ratio':>9}  against")
    for part in PARTS:
        for row in part.rows():
            print(row.text(), flush=True)
    for module, *words in (*GROWTH, *(FULL if given.full else ())):
        print(f"\n{module} {' '.join(words)}", flush=True)
        subprocess.run([sys.executable, "-m", module, *words], check=True)


if __name__ == "__main__":
    main()
