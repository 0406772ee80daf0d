"""The checker, every rule, against what pm4py, reelay and rtamt take for one rule of its.

All read and judge the same JSON lines. None of the peers can do the checker's job: see
docs/performance.md. In a tenth of the copies the authorisations are missing, so that there is
something to find; a comparison counts only if the same installations are found.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.cli.check import judge_files
from bench.mehrs.loader import load_strategy
from bench.order import TOLERANCE, Order
from bench.runner import run_suite
from bench.shipped import find
from benchmarks.measure import Absent, Row, best_cpu

COPIES = 10
RULE = "2.3.2-authorised-first"
PEERS_VARIABLE = "SMETS1_BENCH_RULE_PEERS"

_HERE = Path(__file__).parent
_ASIDE = _HERE.parent / ".venv" / "bench-peers" / "bin" / "python"
_SCRIPT = _HERE / "rules_by_peer.py"


def rows() -> Iterator[Row | Absent]:
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "copies.jsonl"
        events = _write(trace)
        strategy = load_strategy()
        ours = best_cpu(lambda: judge_files([str(trace)], strategy, TOLERANCE))
        judgement = judge_files([str(trace)], strategy, TOLERANCE)
        told = [finding.as_json() for finding in judgement.findings]
        found = sorted({each["installation"] for each in told if _breaks(each)})
        what = f"check: {len(judgement.rules)} rules, {len(found)} break one"
        for peer, against in (
            ("loop", "one ordering rule in a bare loop over json.loads"),
            ("pm4py", "the ordering rule in pm4py"),
            ("reelay", "the ordering rule in reelay"),
            ("rtamt", "the ordering rule in rtamt"),
        ):
            said = _by_peer(peer, trace)
            if isinstance(said, str):
                yield Absent(what, against, said)
            elif said["breaking"] != found:
                yield Absent(what, against, f"it finds {len(said['breaking'])}, not the same")
            else:
                yield Row(what, f"{against} {said['version']}", events, ours, said["cpu_s"])


def _breaks(finding: dict[str, Any]) -> bool:
    return (finding["rule"], finding["verdict"]) == (RULE, "failed")


def _write(trace: Path) -> int:
    with tempfile.TemporaryDirectory() as folder:
        run_suite(Order(find("suites", "default"), "default", seed=1), Path(folder))
        one = (Path(folder) / "trace.jsonl").read_text(encoding="utf-8").splitlines()
    lines = [
        line.replace('"installation": "', f'"installation": "{copy}-', 1)
        for copy in range(COPIES)
        for line in one
        if copy or '"event": "authorisation"' not in line
    ]
    trace.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)


def _by_peer(peer: str, trace: Path) -> dict[str, Any] | str:
    """What the script says, or why it says nothing."""
    named = os.environ.get(PEERS_VARIABLE) or (str(_ASIDE) if _ASIDE.exists() else "")
    interpreter = sys.executable if peer == "loop" else named
    if not interpreter:
        return "not installed: make bench-peers"
    done = subprocess.run(
        [interpreter, str(_SCRIPT), peer, str(trace)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it failed"])[-1]
    said: dict[str, Any] = json.loads(done.stdout)
    return said
