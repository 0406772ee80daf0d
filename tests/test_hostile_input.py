"""Input that once broke the commands: a clear complaint or a plain verdict, never a hang."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli import main
from bench.errors import ExitCode

SUITE = """\
suite: hostile
scenarios:
  - scenario: {name}
    about: a name that a user typed
    installation: da-dual-fuel
    {more}
    expect: {{outcome: commissioned}}
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def suite(folder: Path, name: str = "one", more: str = "covers: []") -> str:
    path = folder / "suite.yaml"
    path.write_text(SUITE.format(name=json.dumps(name), more=more), encoding="utf-8")
    return str(path)


def trace(folder: Path, *events: dict[str, object]) -> str:
    path = folder / "trace.jsonl"
    lines = [json.dumps({"installation": "I-1", **event}) for event in events]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("uncertainty", [1e300, 1.7e308])
def test_an_absurd_clock_uncertainty_leaves_times_inconclusive(
    tmp_path: Path, uncertainty: float
) -> None:
    events = [
        {"event": "opened", "group": "EA", "uncertainty_s": uncertainty},
        *(
            {"event": "attempt", "section": "3.4.1", "number": n, "outcome": "failed"}
            for n in (1, 2)
        ),
    ]
    at = "2021-05-04T08:00:00Z"
    done = run("check", trace(tmp_path, *({"at": at, **event} for event in events)))
    assert done.exit_code == ExitCode.INCONCLUSIVE, done.output


def test_limits_beyond_the_calendar_can_be_told(tmp_path: Path) -> None:
    at = "9999-12-31T23:00:00Z"
    attempt = {"event": "attempt", "section": "3.1", "phase": "long", "outcome": "failed"}
    events = [
        {"event": "opened", "group": "IOC"},
        {**attempt, "number": 1},
        {"event": "closed", "outcome": "failed"},
    ]
    done = run("check", trace(tmp_path, *({"at": at, **event} for event in events)))
    assert done.exit_code == ExitCode.FAIL, done.output
    assert "3.1-persistence" in done.output


def test_a_start_at_the_end_of_the_calendar_is_refused(tmp_path: Path) -> None:
    done = run("run", suite(tmp_path, more="start: 9999-12-31T00:00:00Z"), "--out", str(tmp_path))
    assert done.exit_code == ExitCode.USAGE
    assert "suite.yaml:6:12: scenarios[0].start: expected a time from 1970 to 2999" in done.output


def test_a_name_without_end_is_refused(tmp_path: Path) -> None:
    done = run("run", suite(tmp_path, name="x" * 100_000), "--out", str(tmp_path / "out"))
    assert done.exit_code == ExitCode.USAGE
    assert "expected a name of at most 120 characters" in done.output


def test_suites_that_include_each_other_over_and_over_are_read_once(tmp_path: Path) -> None:
    for level in range(15):
        (tmp_path / f"s{level}.yaml").write_text(
            f"suite: s{level}\nincludes: [s{level + 1}.yaml, ./s{level + 1}.yaml]\n",
            encoding="utf-8",
        )
    (tmp_path / "s15.yaml").write_text(
        SUITE.format(name="one", more="covers: []").replace("hostile", "s15"), encoding="utf-8"
    )
    done = run("list", str(tmp_path / "s0.yaml"))
    assert done.exit_code == ExitCode.PASS, done.output
    assert done.output.strip() == "one  a name that a user typed"


def test_what_a_file_holds_does_not_steer_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(
        'suite: x\nscenarios:\n  - {scenario: a, "b\\e[31m": 1, about: c, '
        'installation: "x\\e[31m\\u202e", expect: {outcome: parked}}\n',
        encoding="utf-8",
    )
    done = run("run", str(path))
    assert done.exit_code == ExitCode.USAGE
    assert "\x1b" not in done.output
    assert "\u202e" not in done.output


def test_a_folder_with_somebodys_trace_is_not_written_over(tmp_path: Path) -> None:
    mine = tmp_path / "trace.jsonl"
    mine.write_text("my own\n", encoding="utf-8")
    done = run("run", "retry", "--out", str(tmp_path))
    assert done.exit_code == ExitCode.USAGE
    assert "holds trace.jsonl already" in done.output
    assert mine.read_text(encoding="utf-8") == "my own\n"


def test_a_folder_name_too_long_is_the_benchs_fault(tmp_path: Path) -> None:
    done = run("run", "retry", "--out", str(tmp_path / ("x" * 300)))
    assert done.exit_code == ExitCode.BENCH
    assert "cannot be written" in done.output
