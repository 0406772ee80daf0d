"""`smets1-bench faults`: what it prints, writes and exits with."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli import main
from bench.errors import ExitCode
from bench.grid.judging import End, Ended

COMMAND = Path(sys.executable).with_name("smets1-bench")


def faults(*words: str) -> Result:
    return CliRunner().invoke(main, ["faults", *words])


def sampled(folder: Path, *words: str) -> Result:
    return faults("--sample", "8", "--workers", "1", "--out", str(folder), *words)


@pytest.fixture
def always_red(monkeypatch: pytest.MonkeyPatch) -> None:
    red = Ended(End.WRONG_KEY, "gas: believed <old> & is new")
    monkeypatch.setattr("bench.grid.trial.judge", lambda *_, **__: red)


def test_green(tmp_path: Path) -> None:
    done = sampled(tmp_path / "grid")
    assert done.exit_code == ExitCode.PASS, done.output
    assert "wrong beliefs 0, orphans 0, parked" in done.output
    record = json.loads((tmp_path / "grid" / "grid.json").read_text())
    assert (record["kit"], record["complete"], record["seed"]) == ("EMULATED", True, 1)
    assert {name: part["runs"] for name, part in record["parts"].items()} == {
        "singles": 40,
        "pairs": 40,
        "schedules": 16,
        "acts": 24,
    }


def test_the_heat_map_needs_nothing_else(tmp_path: Path) -> None:
    sampled(tmp_path)
    page = (tmp_path / "faults.html").read_text(encoding="utf-8")
    assert "EMULATED" in page
    assert "singles: ioc-dual-fuel" in page
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    policy = re.search(r"style-src '(sha256-[^']+)'", page)
    assert style is not None
    assert policy is not None
    digest = hashlib.sha256(style[1].encode()).digest()
    assert policy[1] == "sha256-" + base64.b64encode(digest).decode()
    assert not re.search(r"(src|href)=[\"'](?!#)", page)


def test_every_cell_leads_to_the_command_that_replays_it(tmp_path: Path) -> None:
    sampled(tmp_path)
    page = (tmp_path / "faults.html").read_text(encoding="utf-8")
    cells = re.findall(r'<td class="\w+"><a href="#([^"]+)"', page)
    commands = dict(re.findall(r'<li id="([^"]+)">[^<]+<br><code>(.*?)</code>', page))
    assert len(cells) > 50
    assert cells == [*commands], "each has its own, in the same order"
    again = faults(*shlex.split(html.unescape(commands[cells[0]]))[2:])
    assert again.exit_code == ExitCode.PASS, again.output


def test_the_worst_run_of_a_cell_is_the_one_to_replay(tmp_path: Path) -> None:
    words = ("--part", "singles", "--fault", "party-silent", "--group", "DA", "--workers", "1")
    faults("--sample", "60", "--out", str(tmp_path), *words)
    (part,) = json.loads((tmp_path / "grid.json").read_text())["parts"].values()
    parked = {each["replay"] for each in part["parked"]}
    heat = [each for each in part["heat"] if each["parked"]]
    assert heat
    assert all(each["replay"] in parked for each in heat)


def test_in_a_run_s_folder_it_is_a_section_of_the_report(tmp_path: Path) -> None:
    run = ("run", "commissioning", "--scenario", "da-commissioned", "--out", str(tmp_path))
    assert CliRunner().invoke(main, run).exit_code == ExitCode.PASS
    assert "Fault grid" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    done = sampled(tmp_path, "--part", "acts")
    assert f"heat map: {tmp_path / 'report.html'}" in done.output
    page = (tmp_path / "report.html").read_bytes()
    assert b'<h2 id="grid-h">Fault grid</h2>' in page
    assert b"smets1-bench faults --cell da-dual-fuel/" in page
    assert CliRunner().invoke(main, ["report", str(tmp_path)]).exit_code == ExitCode.PASS
    assert (tmp_path / "report.html").read_bytes() == page
    (tmp_path / "grid.json").write_text("{}", encoding="utf-8")
    broken = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert broken.exit_code == ExitCode.USAGE
    assert "no grid of this bench" in broken.output


def test_red(tmp_path: Path, always_red: None) -> None:
    done = sampled(tmp_path, "--part", "schedules")
    assert done.exit_code == ExitCode.FAIL
    assert "red: wrong belief about a key: gas: believed <old> & is new" in done.output
    page = (tmp_path / "faults.html").read_text(encoding="utf-8")
    assert "believed &lt;old&gt; &amp; is new" in page
    record = json.loads((tmp_path / "grid.json").read_text())
    (first, *_) = record["parts"]["schedules"]["red"]
    assert first["replay"] == f"smets1-bench faults --cell {first['cell']}"
    again = faults(*first["replay"].split()[2:])
    assert again.exit_code == ExitCode.FAIL
    assert again.output.endswith("red: wrong belief about a key: gas: believed <old> & is new\n")


def test_a_cell_tells_its_story() -> None:
    done = faults("--cell", "da-dual-fuel/keys/r2=request-held")
    assert done.exit_code == ExitCode.PASS
    assert "r2    electricity: rotate_key   <-- r2=request-held" in done.output
    assert '"state": "unknown"' in done.output
    assert "counter 1 refused, 2 was seen" in done.output
    assert done.output.endswith("new operator, new keys\n")


def test_a_cell_of_a_state_tells_its_story() -> None:
    done = faults("--cell", "ioc-dual-fuel/run/e12=power-cut@hub~21600s")
    assert done.exit_code == ExitCode.PASS
    assert "<-- e12=power-cut@hub~21600s" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cell", "da-dual-fuel"], "expected INSTALLATION/SCOPE/STRIKES"),
        (["--cell", "da-dual-fuel/run/r1=reply-lots"], "no fault is called 'reply-lots'"),
        (["--cell", "da-dual-fuel/run/e1=power-cut"], "power-cut needs a target"),
        (["--cell", "da-dual-fuel/run/e1=power-cut@gas"], "cannot happen to 'gas'"),
        (["--cell", "da-dual-fuel/run/e1=reply-lost"], "strikes before one"),
        (["--cell", "no-such-home/run/none"], "no-such-home"),
        (["--cell", "da-dual-fuel/keys/r2=let-1"], "expected a request held before it"),
        (["--cell", "da-dual-fuel/keys/r2=request-held,r2=let-1"], "a request held before it"),
        (["--cell", "da-dual-fuel/keys/e2=request-held"], "expected r2=request-held"),
        (
            ["--cell", "da-dual-fuel/keys/r99999=reply-lost"],
            "'r99999=reply-lost' is never reached: the last is r",
        ),
        (
            ["--cell", "da-dual-fuel/run/e9999=power-cut@hub"],
            "'e9999=power-cut@hub' is never reached: the last is e",
        ),
        (["--cell", "da-dual-fuel/run/none", "--json"], "no other option than --via, got --json"),
        (["--cell", "da-dual-fuel/run/none", "--out", "x", "--seed", "1"], "got --seed, --out"),
        (["--workers", "257"], "not in the range 1<=x<=256"),
        (["--fates", "0"], "not in the range 1<=x<=4"),
        (["--fault", "power-cute"], "did you mean 'power-cut'"),
        (["--part", "schedules", "--group", "EA"], "there is nothing to run"),
    ],
)
def test_usage(words: list[str], said: str) -> None:
    done = faults(*words)
    assert done.exit_code == ExitCode.USAGE, done.output
    assert said in done.output


def test_only_one_fault_of_one_group(tmp_path: Path) -> None:
    words = ("--group", "EA", "--fault", "wan-never", "--part", "singles")
    assert sampled(tmp_path, *words).exit_code == ExitCode.PASS
    (part,) = json.loads((tmp_path / "grid.json").read_text())["parts"].values()
    assert {heat["fault"] for heat in part["heat"]} == {"wan-never"}
    assert {heat["installation"] for heat in part["heat"]} == {"ea-dual-fuel"}


def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    """The progress of another process says when there is something to keep."""
    script = (
        "import os, signal\n"
        "from bench.cli import main\n"
        "from bench.grid import working\n"
        "add = working.Tally.merge\n"
        "def merge(self, other):\n"
        "    add(self, other)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "working.Tally.merge = merge\n"
        "words = ['--part', 'singles', '--group', 'EA', '--workers', '2']\n"
        f"main(['faults', *words, '--out', {str(tmp_path)!r}])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ},
    )
    assert done.returncode == 128 + signal.SIGINT, done.stderr
    assert "stopped before the end" in done.stdout
    record = json.loads((tmp_path / "grid.json").read_text())
    assert not record["complete"]
    assert record["parts"]["singles"]["runs"]
