"""`--accept-inconclusive`: the exit code goes by it, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli import main
from bench.errors import ExitCode

TRACES = Path(__file__).parent.parent / "fixtures" / "traces"
MDS = TRACES / "3.2-mds" / "three-repeats.jsonl"
OPTION = "--accept-inconclusive"

SUITE = """
suite: one-da
scenarios:
  - scenario: da
    about: dual fuel, nothing goes wrong
    installation: da-dual-fuel
    expect: {outcome: commissioned}
"""
NOT_OF_DA = (
    "3.1-long-interval",
    "3.1-total-period",
    "3.1-persistence",
    "3.2-retry",
    "3.4.1-wait",
    "3.4.1-repeats",
    "3.4.1-persistence",
)


def invoke(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def listing(folder: Path, rules: Iterable[str], more: str = "not-run: true") -> Path:
    path = folder / "accepted.yaml"
    entries = (f"  - {{rule: {rule}, because: no such kit here, {more}}}\n" for rule in rules)
    path.write_text("accepted:\n" + "".join(entries), encoding="utf-8")
    return path


def test_what_is_accepted_exits_0_and_the_verdict_stays() -> None:
    plain = invoke("check", "--json", MDS)
    assert plain.exit_code == ExitCode.INCONCLUSIVE, plain.output
    accepted = invoke("check", "--json", MDS, OPTION, "3.2-retry")
    assert accepted.exit_code == ExitCode.PASS
    assert accepted.stdout == plain.stdout
    assert json.loads(accepted.stdout)["verdict"] == "inconclusive"
    assert accepted.stderr == "accepted: 3.2-retry is inconclusive: named on the command line\n"


def test_another_rule_does_not_help_and_is_named() -> None:
    done = invoke("check", MDS, OPTION, "3.3-sua-retry")
    assert done.exit_code == ExitCode.INCONCLUSIVE
    assert done.stderr.splitlines() == [
        "not accepted: 3.2-retry is inconclusive",
        "accepted for nothing: 3.3-sua-retry is not undecided here; strike it off the list",
    ]


def test_a_failed_rule_is_never_accepted() -> None:
    broken = TRACES / "3.4.1-ea" / "six-repeats.jsonl"
    done = invoke("check", broken, OPTION, "3.4.1-repeats")
    assert done.exit_code == ExitCode.FAIL


def test_nothing_exercised_is_not_accepted() -> None:
    done = invoke("check", TRACES / "3.2-mds" / "one-attempt.jsonl", OPTION, "3.2-retry")
    assert done.exit_code == ExitCode.INCONCLUSIVE


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("suite") / "suite.yaml"
    path.write_text(SUITE, encoding="utf-8")
    return path


def test_a_run_is_strict_but_for_what_is_accepted(suite: Path, tmp_path: Path) -> None:
    all_of_them = listing(tmp_path, NOT_OF_DA)
    done = invoke("run", suite, OPTION, all_of_them, "--out", tmp_path / "a")
    assert done.exit_code == ExitCode.PASS, done.output
    told = "accepted: 3.2-retry is not run under MEHRS 5.0, MAM 4.0"
    assert any(line.startswith(told) for line in done.stderr.splitlines())
    assert "Certificate MEHRS 5.0, MAM 4.0, no overlay: ? inconclusive" in done.stdout

    one_short = listing(tmp_path, NOT_OF_DA[1:])
    done = invoke("run", suite, OPTION, one_short, "--out", tmp_path / "b")
    assert done.exit_code == ExitCode.INCONCLUSIVE
    assert "not accepted: 3.1-long-interval is not run under MEHRS 5.0" in done.stderr


def test_who_accepts_inconclusive_has_not_accepted_not_run(suite: Path, tmp_path: Path) -> None:
    accepted = listing(tmp_path, NOT_OF_DA, "not-run: false")
    done = invoke("run", suite, OPTION, accepted, "--out", tmp_path / "a")
    assert done.exit_code == ExitCode.INCONCLUSIVE


def test_a_failing_scenario_fails_all_the_same(suite: Path, tmp_path: Path) -> None:
    failing = tmp_path / "failing.yaml"
    failing.write_text(suite.read_text("utf-8").replace("commissioned}", "parked}"), "utf-8")
    accepted = listing(tmp_path, NOT_OF_DA)
    done = invoke("run", failing, OPTION, accepted, "--out", tmp_path / "a")
    assert done.exit_code == ExitCode.FAIL


def test_a_scenario_that_was_left_out_is_not_accepted(suite: Path, tmp_path: Path) -> None:
    asks = "    operator: [{step: before, ask: Is the probe on?}]\n    expect:"
    (tmp_path / "asks.yaml").write_text(
        "suite: two\nincludes: [suite.yaml]\nscenarios:\n"
        + suite.read_text("utf-8")
        .partition("scenarios:\n")[2]
        .replace(" da\n", " asked\n")
        .replace("    expect:", asks),
        encoding="utf-8",
    )
    (tmp_path / "suite.yaml").write_bytes(suite.read_bytes())
    accepted = listing(tmp_path, NOT_OF_DA)
    done = invoke("run", tmp_path / "asks.yaml", OPTION, accepted, "--out", tmp_path / "a")
    assert "asked" in done.stdout
    assert done.exit_code == ExitCode.INCONCLUSIVE


def test_everything_wrong_with_the_list_is_said(tmp_path: Path) -> None:
    path = tmp_path / "accepted.yaml"
    path.write_text(
        'accepted:\n  - {rule: 3.2-retri, because: typo}\n  - {rule: 3.2-retry, because: " "}\n',
        encoding="utf-8",
    )
    done = invoke("check", MDS, OPTION, path, OPTION, "3.3-sua-rety")
    assert done.exit_code == ExitCode.USAGE
    assert done.stderr.splitlines() == [
        f"error: {path}:2:12: accepted[0].rule: expected a rule, or a .yaml file, got "
        "'3.2-retri'; did you mean '3.2-retry'?",
        f"error: {path}:3:32: accepted[1].because: expected a reason that a reader of the log "
        "understands, got nothing",
        "error: --accept-inconclusive: expected a rule, or a .yaml file, got '3.3-sua-rety'; "
        "did you mean '3.3-sua-retry'?",
        "hint: smets1-bench rules prints every rule",
    ]


def test_a_reason_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "accepted.yaml").write_text("accepted:\n  - {rule: 3.2-retry}\n", "utf-8")
    done = invoke("check", MDS, OPTION, tmp_path / "accepted.yaml")
    assert done.exit_code == ExitCode.USAGE
    assert "accepted.yaml:2:5: accepted[0]: missing key 'because'" in done.stderr
