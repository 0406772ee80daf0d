"""`smets1-bench campaign` from outside: exit codes, files, texts."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli import main

MIX = """\
mix: small
daily-capacity: 20
installations: [{installation: ea-dual-fuel, share: 1}]
conditions:
  - condition: impatient
    kind: party
    per-10000: %d
    parties: {requesting-party: {wait: 5min}}
    faults:
      - fault: wan-outage
        target: hub
        when: {event: step, section: 2.3.2}
        lasts: {least: 1h, most: 2h}
"""
Call = Callable[..., Result]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.chdir(tmp_path)

    def called(*words: str) -> Result:
        return CliRunner().invoke(main, ["campaign", "--workers", "1", *words])

    return called


def test_a_campaign_leaves_record_and_report(call: Call, tmp_path: Path) -> None:
    result = call("-n", "40", "--out", "here")
    assert result.exit_code == 0, result.output
    assert "EMULATED campaign: 40 installations of mix national" in result.output
    assert "smets1-bench campaign --mix national --seed 1 --only" in result.output
    record = json.loads((tmp_path / "here/campaign.json").read_text())
    assert record["complete"]
    assert record["totals"]["installations"] == 40
    page = (tmp_path / "here/campaign.html").read_text()
    assert "EMULATED" in page
    assert page.count("<svg") >= 3
    assert "<script" not in page
    again = call("-n", "40", "--out", "here")
    assert again.exit_code == 2
    assert "holds a campaign already" in again.output
    assert (
        call("-n", "40", "--out", "here", "--resume", "--json").output
        == json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    )


@pytest.mark.parametrize(("per_10000", "code"), [(0, 0), (10_000, 1)])
def test_a_rule_that_was_failed_shows_in_the_exit_code(
    per_10000: int, code: int, call: Call, tmp_path: Path
) -> None:
    """The Requesting Party waits five minutes where the strategy says four hours."""
    (tmp_path / "mix.yaml").write_text(MIX % per_10000)
    result = call("-n", "6", "--mix", "mix.yaml", "--out", "here")
    assert result.exit_code == code, result.output
    rules = json.loads((tmp_path / "here/campaign.json").read_text())["rules"]
    assert rules.get("3.4.1-wait", {}).get("failed", 0) == 6 * code


def test_a_worst_case_is_replayed_alone_in_full_detail(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mix.yaml").write_text(MIX % 10_000)
    result = call("--mix", "mix.yaml", "--only", "3", "--out", "one", "--json")
    assert result.exit_code == 0, result.output  # it met what the campaign had found
    (scenario,) = json.loads((tmp_path / "one/result.json").read_text())["scenarios"]
    assert scenario["name"] == "ea-dual-fuel-0000003"
    assert scenario["rules"]["3.4.1-wait"]["failed"] == 1
    assert (tmp_path / "one/report.html").exists()


def test_two_strategies_side_by_side(call: Call, tmp_path: Path) -> None:
    result = call("-n", "30", "--compare", "5.0-draft", "5.0", "--out", "both")
    assert result.exit_code == 0, result.output
    assert "5.0-draft" in result.output.splitlines()[0]
    both = json.loads((tmp_path / "both/compare.json").read_text())
    assert [both[name]["mehrs"] for name in both] == ["5.0-draft", "5.0"]
    assert (tmp_path / "both/compare.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--resume",), "expected --out DIR"),
        (("--compare", "5.0", "5.0"), "expected two different ones"),
        (("--compare", "5.0", "6.0"), "expected a MEHRS version or a mix, got '6.0'"),
        (("--mix", "nationl"), "no mix is called 'nationl'; did you mean 'national'"),
        (("--mehrs", "2.0"), "MEHRS 2.0 does not speak of group"),
        (("--only", "3", "--resume", "--out", "x"), "never half done"),
        (("--only", "3", "--parquet"), "--parquet and --only"),
        (("--compare", "national", "5.0"), "two MEHRS versions or two mixes, got one of each"),
        (("--compare", "5.0-draft", "5.0", "--mehrs", "5.0"), "--compare and --mehrs"),
        (("--compare", "national", "mix.yaml", "--mix", "mix.yaml"), "--compare and --mix"),
        (("--only", "10", "-n", "10"), "--only: expected 0 to 9 of 10 installations, got 10"),
        (("--dask", "tcp://127.0.0.1:1"), "workers of its own"),
        (
            ("--only", "9000000", "-n", "10000000", "--mix", "mix.yaml"),
            "expected installations that are opened by",
        ),
    ],
)
def test_usage(words: tuple[str, ...], said: str, call: Call) -> None:
    Path("mix.yaml").write_text(MIX.replace("daily-capacity: 20", "daily-capacity: 1") % 0)
    result = call("-n", "5", *words)
    assert result.exit_code == 2, result.output
    assert said in result.output


@pytest.mark.parametrize("address", ["nonsense", "tcp://host", "tcp://:8786", "host:0", "h:99999"])
def test_what_is_no_address_of_a_scheduler(address: str, tmp_path: Path) -> None:
    words = ("campaign", "-n", "5", "--dask", address, "--out", str(tmp_path / "here"))
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2, result.output
    assert f"--dask: expected tcp://HOST:PORT, got '{address}'" in result.output
    assert not (tmp_path / "here").exists()


_PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from bench.cli import main
main()
"""


@contextmanager
def under_way(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A campaign in two processes of which something is done."""
    command = (sys.executable, "-c", _PROGRAM, "campaign", "-n", "200000", "--workers", "2")
    with subprocess.Popen(
        [*command, "--out", "here"], cwd=folder, stderr=subprocess.PIPE, text=True
    ) as process:
        shards = folder / "here/shards.jsonl"
        while not shards.exists() or shards.read_text().count("\n") < 2:
            assert process.poll() is None
            time.sleep(0.05)
        yield process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_is_done_is_kept(number: signal.Signals, tmp_path: Path) -> None:
    with under_way(tmp_path) as process:
        os.kill(process.pid, number)
        _, told = process.communicate()
    assert process.returncode == 130
    assert "--resume" in told
    record = json.loads((tmp_path / "here/campaign.json").read_text())
    assert not record["complete"]
    assert 500 <= record["totals"]["installations"] < 200_000


def test_one_alone_goes_into_no_other_run(call: Call) -> None:
    words = ("--only", "3", "--out", "one")
    assert call(*words).exit_code in (0, 3)
    again = call(*words)
    assert again.exit_code == 2
    assert "one: holds a run already" in again.output


def test_workers_do_not_outlive_a_kill(tmp_path: Path) -> None:
    with under_way(tmp_path) as process:
        tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
        begun = [int(child) for task in tasks for child in task.read_text().split()]
        ends = [os.pidfd_open(child) for child in begun]
        process.kill()
        process.communicate()
        ended = [select.select([end], [], [], 60)[0] != [] for end in ends]
    assert len(ended) >= 2
    assert all(ended)


def test_another_process_at_the_same_campaign_is_refused(tmp_path: Path) -> None:
    with under_way(tmp_path) as process:
        words = ("-n", "200000", "--out", str(tmp_path / "here"), "--resume")
        result = CliRunner().invoke(main, ["campaign", *words])
        os.kill(process.pid, signal.SIGINT)
        process.communicate()
    assert result.exit_code == 2
    assert "another process is at this campaign" in result.output
