"""The process that hosts the devices dies under a run: it is told, and the run can be taken up."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bench.errors import ExitCode
from bench.journal.entry import Kind
from bench.journal.store import FILE, Journal
from bench.live.status import STATUS, STOPPED
from bench.serving.runs import Runs
from tests.e2e.bench_on_ports import COMMAND, OVERLAY, hosted, lay_out

FILES = {"on-ports": "suite.yaml", "mains": "mains.yaml"}
MARKS = {"bench-error": "!", "inconclusive": "?"}

SUITE = """\
suite: pulled
scenarios:
  - scenario: pulled
    about: what hosts the devices dies while the account is on its way
    installation: da-dual-fuel
    parties:
      smso: {transfer-takes: 1s, take-back-takes: 20ms, files-after: 20ms}
      requesting-party: {submits-after: 20ms}
      suppliers: {Northern Energy: {authorises-after: 20ms}}
    expect: {outcome: commissioned, account: DCC, keys: {electricity: new, gas: new}}
"""


def bench(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_host_that_dies(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / "suite.yaml").write_text(SUITE, encoding="utf-8")
    (tmp_path / "overlay.yaml").write_text(OVERLAY, encoding="utf-8")
    out = tmp_path / "out"
    options = ("--station", "bench.yaml", "--overlay", "overlay.yaml", "--tolerance", "1s")
    with hosted(tmp_path, "--state", "state.json"):
        running = bench(tmp_path, "run", "suite.yaml", *options, "--out", "out", "--json")
        trace = out / "trace.jsonl"
        while not (trace.exists() and trace.stat().st_size):
            assert running.poll() is None, running.communicate()
    printed, said = running.communicate()
    assert running.returncode == ExitCode.BENCH
    assert "is gone" in said
    assert "the run was stopped, and nothing is forgotten" in said
    assert "then go on with: smets1-bench resume out" in said
    assert "Traceback" not in said
    result = json.loads(printed)
    assert result == json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert "is gone" in result["stopped"]
    assert ["is gone" in each["not_run"] for each in result["scenarios"]] == [True]
    assert "is gone" in (out / "report.html").read_text(encoding="utf-8")
    assert result["kit"] == "EMULATED", "they had said so before"
    (listed,), _ = Runs(out).newest(1)
    assert (listed.state, listed.verdict, listed.kit) == (STOPPED, "inconclusive", "EMULATED")
    before = {name: (out / name).read_bytes() for name in (STATUS, "result.json", "trace.jsonl")}

    alone = bench(tmp_path, "resume", "out")  # what hosts them is not back yet
    _, said = alone.communicate()
    assert alone.returncode == ExitCode.BENCH
    assert f"go on with: smets1-bench resume {out}" in said
    assert {name: (out / name).read_bytes() for name in before} == before

    with hosted(tmp_path, "--state", "state.json"):
        resumed = bench(tmp_path, "resume", "out", "--json")
        printed, said = resumed.communicate()
    assert resumed.returncode in (ExitCode.PASS, ExitCode.INCONCLUSIVE), said + printed
    (taken_up,) = json.loads(printed)["scenarios"]
    assert (taken_up["outcome"], taken_up["mismatches"]) == ("commissioned", [])
    journal, entries = Journal.open(out / FILE)
    journal.close()
    assert entries[-1].kind is Kind.FINISHED


@pytest.mark.parametrize(
    ("suite", "scenario", "verdict"),
    [("mains", "mains-cut", "bench-error"), ("on-ports", "another-group", "inconclusive")],
)
def test_where_no_device_was_heard_nothing_is_said_of_any(
    tmp_path: Path, suite: str, scenario: str, verdict: str
) -> None:
    lay_out(tmp_path)
    options = ("--station", "bench.yaml", "--scenario", scenario, "--out", "out")
    printed, said = bench(tmp_path, "run", FILES[suite], *options).communicate()
    assert f"UNHEARD  suite {suite}: {MARKS[verdict]} {verdict}" in printed, printed + said
    assert "Rests on no device: none was heard; wall clock." in printed
    (listed,), _ = Runs(tmp_path / "out").newest(1)
    assert (listed.verdict, listed.kit) == (verdict, "UNHEARD")
