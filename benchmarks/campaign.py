"""Growth of a campaign with its size: CPU of all processes, and the memory of the largest.

`python -m benchmarks.campaign 1000 10000 100000`, or `… 1000000` for the million.
"""

from __future__ import annotations

import os
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path

from bench.campaign.engine import engine_for
from bench.campaign.mix_reading import read_mix
from bench.campaign.working import SHARD, Order, work_through
from bench.mehrs.loader import load_strategy
from bench.order import TOLERANCE
from bench.shipped import find

SIZES = (1_000, 10_000)


def measure(installations: int, workers: int) -> str:
    """One line of the table. In a child process, so that its memory is its own."""
    mix = read_mix(find("mixes", "national"))
    order = Order("national", mix, load_strategy(), TOLERANCE, 1, installations, shard=SHARD)
    began, before = time.monotonic(), os.times()
    with tempfile.TemporaryDirectory() as folder:
        found = work_through(order, engine_for(workers, ""), Path(folder))
    took, after = time.monotonic() - began, os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    totals = found.tally.totals
    return (
        f"{installations:>9,} installations: {took:8.1f} s, {cpu:8.1f} s of CPU, "
        f"{1e6 * cpu / installations:6.0f} µs each; "
        f"{totals['events'] / installations:.2f} events, "
        f"{totals['attempts'] / installations:.2f} attempts each; "
        f"at most {(own + workers * worker) / 1024:.0f} MiB in {workers} workers and here"
    )


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    print(
        f"Python {platform.python_version()}, {platform.machine()}, load {os.getloadavg()[0]:.0f}"
    )
    for size in sizes:
        pid = os.fork()
        if not pid:
            print(measure(size, workers=2), flush=True)
            os._exit(0)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
