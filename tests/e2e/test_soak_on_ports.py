"""The soak on kit that another process hosts, twice: what the ledger says carries over."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from bench.errors import ExitCode
from bench.ledger import Entry, beside, read_ledger
from bench.shipped import find
from tests.e2e.bench_on_ports import BOARD, COMMAND, DEVICES, OVERLAY, hosted, lay_out

REFERENCE = "reference-meter"
QUICK = """
    parties:
      smso: {transfer-takes: 50ms, take-back-takes: 50ms, files-after: 50ms}
      requesting-party: {submits-after: 50ms}
      suppliers: {Northern Energy: {authorises-after: 50ms}}
"""


def write_station(folder: Path) -> Path:
    """With a reference meter in the feed of the electricity meter."""
    lay_out(folder)
    station = folder / "bench.yaml"
    text = station.read_text(encoding="utf-8")
    text += f"""\
  reference-meter:
    port: {folder / REFERENCE}
    profile: generic-modbus-reference-meter
    measures: electricity
    calibration: {{serial-number: R1, certificate: C-7, due: 2099-01-01, uncertainty: 0.002}}
"""
    station.write_text(text + "budgets: {wake-ups: 20}\n", encoding="utf-8")
    return station


def write_soak(folder: Path) -> None:
    """The shipped soak, with seconds for days."""
    text = find("suites", "soak").read_text(encoding="utf-8")
    for slow, quick in (
        ("soak: {lasts: 7d, every: 1h}", "soak: {lasts: 4s, every: 1s}"),
        ("at-least: 7d", "at-least: 4s"),
        ("    installation: da-dual-fuel\n", f"    installation: da-dual-fuel{QUICK}"),
    ):
        assert slow in text
        text = text.replace(slow, quick)
    (folder / "soak.yaml").write_text(text, encoding="utf-8")
    (folder / "overlay.yaml").write_text(OVERLAY, encoding="utf-8")


def run(folder: Path, out: str, *options: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [
            *COMMAND, "run", "soak.yaml", "--station", "bench.yaml", "--overlay", "overlay.yaml",
            "--tolerance", "1s", "--out", out, "--json", *options,
        ],
        cwd=folder,
        env=os.environ | {"SMETS1_BENCH_LOCK_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, {each["name"]: each for each in record["scenarios"]}


def entries(station: Path) -> dict[str, Entry]:
    return {each.name: each for each in read_ledger(beside(station)).entries.values()}


def test_a_soak_twice_with_one_ledger(tmp_path: Path) -> None:
    station = write_station(tmp_path)
    write_soak(tmp_path)
    seen = []
    with hosted(tmp_path, kit=(BOARD, REFERENCE)):
        for out in ("first", "second"):
            code, scenarios = run(tmp_path, out)
            assert code == ExitCode.PASS, scenarios
            soaked = scenarios["da-soak"]
            assert (soaked["verdict"], soaked["mismatches"]) == ("pass", [])
            assert "needs group" in scenarios["ioc-soak"]["not_run"]
            seen.append(entries(station))
    first, second = seen
    assert set(first) == set(DEVICES)
    assert {name: entry.scenarios for name, entry in second.items()} == dict.fromkeys(DEVICES, 2)
    assert first["electricity"].rotations > 0
    assert second["electricity"].rotations == 2 * first["electricity"].rotations
    assert second["electricity"].counter > first["electricity"].counter > 0
    assert second["electricity"].key == first["electricity"].key, "restored after each"

    beside(station).write_text(
        beside(station).read_text().replace('"wake_ups": 0', '"wake_ups": 20'), encoding="utf-8"
    )
    with hosted(tmp_path, kit=(BOARD, REFERENCE)):
        code, scenarios = run(tmp_path, "third")
    assert code == ExitCode.INCONCLUSIVE
    assert "the station's budget is 20" in scenarios["da-soak"]["not_run"]
