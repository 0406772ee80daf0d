"""The same suite on the wall clock, on devices of another process, and on the virtual clock.

Both tell the same events in the same order; only their times differ. With
`SMETS1_BENCH_REAL_TIME=N` the suite is run N times, as `make prove` does.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bench_on_ports import BOARD, COMMAND, DEVICES, OVERLAY, hosted, lay_out

ROUNDS = int(os.environ.get("SMETS1_BENCH_REAL_TIME", "1"))

QUICK_PARTIES = """
      smso: {transfer-takes: 50ms, take-back-takes: 50ms, files-after: 50ms%s}
      requesting-party: {submits-after: 50ms}
      suppliers: {Northern Energy: {authorises-after: 50ms}}"""

SUITE = f"""\
suite: both-clocks
scenarios:
  - scenario: goes-through
    about: nothing goes wrong
    installation: da-dual-fuel
    preconditions: {{restore: [restore-keys, switch-back]}}
    parties:{QUICK_PARTIES % ""}
    expect: {{outcome: commissioned}}
  - scenario: a-device-that-is-not-on-the-list
    about: the validation stops it before the account is switched
    installation: da-dual-fuel
    parties:{QUICK_PARTIES % ", books: wrong-device"}
    expect: {{outcome: failed}}
  - scenario: an-answer-is-lost-on-the-line
    about: the first key transfer of the electricity meter is done and its answer never arrives
    installation: da-dual-fuel
    preconditions: {{restore: [restore-keys, switch-back]}}
    parties:{QUICK_PARTIES % ""}
    faults:
      - {{fault: no-reply, target: electricity, request: action, nth: 3}}
    expect: {{outcome: commissioned}}
"""

TIMES = ("at", "started", "submitted", "from", "to", "uncertainty_s")


@pytest.mark.timeout(120 * ROUNDS)
def test_both_clocks_tell_the_same_events(tmp_path: Path) -> None:
    lay_out(tmp_path)
    suite = tmp_path / "suite.yaml"
    # In memory one action more is counted before the key transfer.
    suite.write_text(SUITE.replace("nth: 3", "nth: 4"), encoding="utf-8")
    (tmp_path / "overlay.yaml").write_text(OVERLAY, encoding="utf-8")
    real = (tmp_path / "bench.yaml").read_text(encoding="utf-8")
    (tmp_path / "memory.yaml").write_text(in_memory(real, tmp_path), encoding="utf-8")
    virtual = events(tmp_path, "memory.yaml", "virtual")
    assert len({line["installation"] for line in virtual}) == 3
    assert "BENCH-DOUBT" in {line.get("code") for line in virtual if line["event"] == "attempt"}
    suite.write_text(SUITE, encoding="utf-8")
    lateness: list[dict[str, int]] = []
    for number in range(ROUNDS):
        with hosted(tmp_path):
            wall = events(tmp_path, "bench.yaml", f"wall-{number}")
        assert without_times(wall) == without_times(virtual)
        clock = json.loads((tmp_path / f"wall-{number}" / "clock.json").read_text())
        assert clock["clock"] == "wall"
        lateness += [told["lateness"] for told in clock["scenarios"].values()]
    for which in ("p50", "p99", "max"):
        worst = max(told[which] for told in lateness)
        print(f"lateness of timers, {which}: at most {worst} us in {len(lateness)} scenarios")


def in_memory(station: str, folder: Path) -> str:
    """The same station, each device on a line in memory, and the board left out."""
    for name in (*DEVICES, BOARD):
        station = station.replace(f"port: {folder / name}\n", "port: 'emu:'\n")
    station = re.sub(r"\nkit:.*", "\n", station, flags=re.DOTALL)
    return re.sub(r"\n +security: .*", "", station)


def events(folder: Path, station: str, out: str) -> list[dict[str, Any]]:
    words = ["run", "suite.yaml", "--station", station, "--overlay", "overlay.yaml"]
    done = subprocess.run(
        [*COMMAND, *words, "--tolerance", "1s", "--out", out],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "SMETS1_BENCH_LOCK_DIR": str(folder)},
    )
    trace = folder / out / "trace.jsonl"
    assert trace.exists(), done.stderr
    record = json.loads((folder / out / "result.json").read_text(encoding="utf-8"))
    not_run = [each["not_run"] for each in record["scenarios"] if each["not_run"]]
    assert not_run == [], done.stdout
    return [json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines()]


def without_times(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name not in TIMES} for line in told]
