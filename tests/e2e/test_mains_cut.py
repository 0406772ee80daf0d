"""A power cut at a device on a port is done by the relay that feeds it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from bench.errors import ExitCode
from bench.units import SECOND
from drivers.modbus_relay_board import connect
from tests.e2e.bench_on_ports import BOARD, COMMAND, hosted, lay_out

RUN = ("run", "mains.yaml", "--station", "bench.yaml", "--overlay", "overlay.yaml")


def test_the_relay_cuts_the_mains_and_gives_them_back(tmp_path: Path) -> None:
    lay_out(tmp_path)
    with hosted(tmp_path, "--state", "host.state"):
        done = subprocess.run(
            [*COMMAND, *RUN, "--tolerance", "1s", "--out", "out"],
            cwd=tmp_path,
            env=os.environ | {"SMETS1_BENCH_LOCK_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        board = connect(str(tmp_path / BOARD))
        closed = [board.channel_closed(channel) for channel in (1, 2)]
        board.close()
    assert done.returncode == ExitCode.PASS, done.stdout + done.stderr
    record = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    cut, at_a_request = record["scenarios"]
    assert (cut["verdict"], cut["mismatches"]) == ("pass", [])
    assert "done by relay 2, which knows no requests" in at_a_request["not_run"]
    # By the emulated meter's own log: once, and for as long as the scenario says.
    state = json.loads((tmp_path / "host.state").read_text(encoding="utf-8"))
    (span,) = state["devices"]["electricity"]["power-cuts"]
    assert span["until"] - span["since"] >= SECOND
    assert closed == [True, True]
