"""Everything about the wire; `--only rates`, `overhead` or `fleet` a part of it."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.wire import fleet, overhead, rates
from benchmarks.wire.kit import Kit, serve
from drivers.profiles.dlms import Security

PARTS = ("rates", "overhead", "fleet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=500, help="transactions of one round")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--meters", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--host", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.host:
        folder, what, count, baud = given.host
        serve(Path(folder), Kit(what, int(count), int(baud)))
        return
    wanted = PARTS if given.only is None else (given.only,)
    if "rates" in wanted:
        for security in (Security.NONE, Security.HLS_GMAC):
            for line in rates.lines(f"GET, {security}", rates.dlms(security, given.reads)):
                print(line, flush=True)
        for line in rates.lines("Modbus, 2 registers", rates.modbus(given.reads // 5)):
            print(line, flush=True)
    if "overhead" in wanted:
        for line in overhead.lines():
            print(line, flush=True)
    if "fleet" in wanted:
        found = fleet.measure(given.meters, given.seconds)
        print(
            f"{given.meters} meters on ptys in one process {found.per_second:>8,.0f} GET/s, "
            f"{found.per_cpu_second:,.0f} for each second of its CPU"
        )


if __name__ == "__main__":
    main()
