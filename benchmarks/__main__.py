"""`make bench`: every measurement, as one table of rates and ratios."""

from __future__ import annotations

import platform

from benchmarks import checking, process, start_up


def main() -> None:
    print(f"Python {platform.python_version()}, {platform.machine()}, CPU time, best round")
    for part in (start_up, process, checking):
        for row in part.rows():
            print(row.text(), flush=True)


if __name__ == "__main__":
    main()
