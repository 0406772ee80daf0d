"""`python -m benchmarks.large_checking [--events N]`: large checks against what DuckDB needs alone.

The same events as JSON lines and as Parquet are checked in `--workers` processes, and read and
sorted by DuckDB with as many threads and as much memory, one after the other. Times are CPU seconds
of all processes of each (where other work shares the machine, wall time says little; it is given
too), and memory is the most that they held together. With `--compare` the streaming form judges
the events too, and must find the same.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.cli.check import judge_files
from bench.mehrs.loader import load_strategy
from bench.order import TOLERANCE
from benchmarks.population import write

_SORT = """
import duckdb, sys
connection = duckdb.connect()
connection.execute(f"SET threads = {sys.argv[2]}; SET memory_limit = '{sys.argv[3]}'")
connection.execute('SET enable_progress_bar = false')
connection.execute(f"SET temp_directory = '{sys.argv[4]}'")
rows = connection.sql(f'SELECT * FROM {sys.argv[1]} ORDER BY installation, "at"')
print(sum(len(batch) for batch in rows.to_arrow_reader(65536)))
"""
_CHECK = "from bench.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Run:
    """One command: CPU and wall seconds, the most octets held, and what it printed."""

    cpu: float
    wall: float
    octets: int
    output: str


def run(code: str, *words: str) -> Run:
    began, used = time.perf_counter(), _cpu()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=out)
        most = 0
        while process.poll() is None:
            most = max(most, _held(process.pid))
            time.sleep(0.1)
        wall = time.perf_counter() - began
        out.seek(0)
        if process.returncode not in (0, 1, 3):
            sys.exit(f"failed: {words}")
        return Run(_cpu() - used, wall, most, out.read())


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _held(pid: int) -> int:
    """Octets in memory of a process and those below it (Linux; pages shared count in each)."""
    try:
        own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    return own + sum(_held(int(child)) for child in below)


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--workers", default="2")
    options.add_argument("--memory", default="2GiB")
    options.add_argument("--compare", action="store_true")
    given = options.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}, one run each")
    with tempfile.TemporaryDirectory() as folder:
        _under_way(f"writing {given.events:,} events")
        lines, rows, events = write(given.events, Path(folder))
        print(f"{events:,} events: {_size(lines)} as JSON lines, {_size(rows)} as Parquet")
        same = True
        judged = ""
        for path, table in (
            (lines, f"read_json('{lines}', format = 'newline_delimited', columns = {_COLUMNS})"),
            (rows, f"read_parquet('{rows}')"),
        ):
            _under_way(f"DuckDB reads and sorts {path.name}")
            alone = run(_SORT, table, given.workers, given.memory, folder)
            words = ("check", "--json", "--workers", given.workers, "--memory", given.memory)
            _under_way(f"checking {path.name}")
            checked = run(_CHECK, *words, str(path))
            print(
                f"{path.suffix[1:]:8} checked in {checked.cpu:7.1f} s of CPU"
                f" ({events / checked.cpu:9,.0f}/s per core), wall {checked.wall:.1f} s,"
                f" {checked.octets / 2**30:.2f} GiB; DuckDB reads and sorts in {alone.cpu:6.1f} s"
                f" of CPU, wall {alone.wall:.1f} s, {alone.octets / 2**30:.2f} GiB;"
                f" ratio {checked.cpu / alone.cpu:.1f} CPU, {checked.wall / alone.wall:.1f} wall",
                flush=True,
            )
            judged = judged or checked.output
            same = same and checked.output.replace(rows.name, lines.name) == judged
        print(f"JSON lines and Parquet judged the same: {same}")
        if given.compare:
            _under_way("the streaming form")
            began = time.process_time()
            streamed = judge_files([str(lines)], load_strategy(), TOLERANCE)
            took = time.process_time() - began
            same = same and json.loads(judged) == streamed.as_json()
            print(
                f"streaming form {took:.1f} s of CPU, {events / took:,.0f}/s; all the same: {same}"
            )
    return not same


def _under_way(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


_COLUMNS = """{"at": 'VARCHAR', installation: 'VARCHAR', "event": 'VARCHAR', section: 'VARCHAR',
 outcome: 'VARCHAR', device: 'VARCHAR', actor: 'VARCHAR', started: 'VARCHAR', number: 'INTEGER'}"""


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 2**20:,.0f} MiB"


if __name__ == "__main__":
    sys.exit(main())
