"""The shipped suite of the bench's own faults, through the installed command."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from bench.bench_faults import STOPPED
from bench.errors import ExitCode
from drivers.modbus_relay_board import connect
from tests.e2e.bench_on_ports import BOARD, COMMAND, hosted, lay_out

RELAY = """\
suite: stuck
scenarios:
  - scenario: relay-stuck
    about: the relay that should cut the meter's mains sticks
    installation: da-dual-fuel
    deviant: "the bench: a relay sticks"
    parties:
      smso: {transfer-takes: 50ms, take-back-takes: 50ms, files-after: 20s}
      requesting-party: {submits-after: 50ms}
      suppliers: {Northern Energy: {authorises-after: 50ms}}
    faults:
      - {fault: relay-stuck, target: electricity, after: 0s}
      - {fault: power-cut, target: electricity, when: {event: account, holder: DCC}, lasts: 1s}
    expect: {outcome: commissioned, bench-error: told to be open and reads back closed}
"""


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        env=os.environ | {"SMETS1_BENCH_LOCK_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_stops_the_run_lets_it_be_taken_up(tmp_path: Path) -> None:
    full = command(tmp_path, "run", "bench-faults", "--station", "emulated-emu", "--out", "out")
    assert full.returncode == ExitCode.BENCH
    assert "cannot be written: No space left on device" in full.stderr
    assert "make room on the disk, then go on with: smets1-bench resume out" in full.stderr
    gone = command(tmp_path, "resume", "out")
    assert gone.returncode == ExitCode.BENCH
    assert "emu:electricity is gone" in gone.stderr
    done = command(tmp_path, "resume", "out")
    assert done.returncode == ExitCode.PASS, done.stdout + done.stderr
    record = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    verdicts = {each["name"]: each["verdict"] for each in record["scenarios"]}
    assert verdicts.pop("bench-relay-stuck") == "", "there is no relay board"
    assert set(verdicts.values()) == {"pass"}
    noted = (tmp_path / "out" / STOPPED).read_text(encoding="utf-8").splitlines()
    stopped = [json.loads(line)["scenario"] for line in noted]
    assert stopped == ["bench-disk-full", "bench-adapter-gone"]


def test_a_stuck_relay_is_booked_against_nobody_else(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / "stuck.yaml").write_text(RELAY, encoding="utf-8")
    with hosted(tmp_path):
        done = command(
            tmp_path, "run", "stuck.yaml", "--station", "bench.yaml", "--overlay", "overlay.yaml",
            "--tolerance", "1s", "--out", "out",
        )  # fmt: skip
        board = connect(str(tmp_path / BOARD))
        closed = [board.channel_closed(channel) for channel in (1, 2)]
        board.close()
    assert done.returncode == ExitCode.PASS, done.stdout + done.stderr
    (record,) = json.loads((tmp_path / "out" / "result.json").read_text())["scenarios"]
    assert (record["verdict"], record["mismatches"]) == ("pass", [])
    assert closed == [True, True]
