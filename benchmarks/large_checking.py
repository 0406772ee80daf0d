"""`python -m benchmarks.large_checking [--events N]`: large checks against what DuckDB needs alone.

The same events as JSON lines and as Parquet are checked in `--workers` processes, and read and
sorted by DuckDB with as many threads and as much memory; wall time, one after the other, and the
most memory that all processes of each held together. With `--compare` the streaming form judges
them too, and must find the same.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.population import write

_SORT = """
import duckdb, sys
connection = duckdb.connect()
connection.execute(f"SET threads = {sys.argv[2]}; SET memory_limit = '{sys.argv[3]}'")
connection.execute(f"SET temp_directory = '{sys.argv[4]}'")
rows = connection.sql(f'SELECT * FROM {sys.argv[1]} ORDER BY installation, "at"')
print(sum(len(batch) for batch in rows.to_arrow_reader(65536)))
"""
_CHECK = "from bench.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Run:
    """One command: wall seconds, the most octets held, and what it printed."""

    seconds: float
    octets: int
    output: str


def run(code: str, *words: str) -> Run:
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=out)
        most = 0
        while process.poll() is None:
            most = max(most, _held(process.pid))
            time.sleep(0.1)
        seconds = time.perf_counter() - began
        out.seek(0)
        return Run(seconds, most, out.read())


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
    print(f"Python {platform.python_version()}, {platform.machine()}, wall time, one run each")
    with tempfile.TemporaryDirectory() as folder:
        lines, rows, events = write(given.events, Path(folder))
        print(f"{events:,} events: {_size(lines)} as JSON lines, {_size(rows)} as Parquet")
        same = True
        judged = ""
        for path, table in (
            (lines, f"read_json('{lines}', format = 'newline_delimited', columns = {_COLUMNS})"),
            (rows, f"read_parquet('{rows}')"),
        ):
            alone = run(_SORT, table, given.workers, given.memory, folder)
            words = ("check", "--json", "--workers", given.workers, "--memory", given.memory)
            checked = run(_CHECK, *words, str(path))
            print(
                f"{path.suffix[1:]:8} checked {checked.seconds:7.1f} s,"
                f" {events / checked.seconds:9,.0f}/s, {checked.octets / 2**30:.2f} GiB;"
                f" DuckDB reads and sorts {alone.seconds:6.1f} s, {alone.octets / 2**30:.2f} GiB;"
                f" ratio {checked.seconds / alone.seconds:.1f}",
                flush=True,
            )
            judged = judged or checked.output
            same = same and checked.output.replace(rows.name, lines.name) == judged
        print(f"JSON lines and Parquet judged the same: {same}")
        if given.compare:
            import json

            from bench.cli.check import judge_files
            from bench.mehrs.loader import load_strategy
            from bench.runner import TOLERANCE

            began = time.perf_counter()
            streamed = judge_files([str(lines)], load_strategy(), TOLERANCE)
            took = time.perf_counter() - began
            same = same and json.loads(judged) == streamed.as_json()
            print(f"streaming form {took:.1f} s, {events / took:,.0f}/s; all the same: {same}")
    return not same


_COLUMNS = """{"at": 'VARCHAR', installation: 'VARCHAR', "event": 'VARCHAR', section: 'VARCHAR',
 outcome: 'VARCHAR', device: 'VARCHAR', actor: 'VARCHAR', started: 'VARCHAR', number: 'INTEGER'}"""


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 2**20:,.0f} MiB"


if __name__ == "__main__":
    sys.exit(main())
