"""A run of a suite: its files, its verdicts, how to see a scenario again, being stopped."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench import runner
from bench.cli import main
from bench.clock import Cancellation, WallClock
from bench.emulation import Reply
from bench.errors import BenchError, UsageError
from bench.leaks import find_leaks
from bench.order import Order
from bench.result import RunRecord, read_result
from bench.runner import run_suite
from bench.scenario import run as scenario_run
from bench.scenario.ran import Ran
from bench.scenario.run import run_scenario
from bench.secret import Secret
from bench.shipped import find
from bench.station import DIRECT, Station
from bench.station.form import ClockSource
from bench.suite_reading import PreparedScenario, read_suite
from bench.units import SECOND, parse_instant

SUITE = """\
suite: three
scenarios:
  - scenario: meets
    about: what it expects happens
    installation: da-electricity-only
    expect: {outcome: commissioned}
  - scenario: fails
    about: what it expects does not happen
    installation: ioc-dual-fuel
    expect: {outcome: parked, account: SMSO}
  - scenario: deviant
    about: a deviant that is caught
    installation: ea-dual-fuel
    deviant: the party gives up early
    parties: {requesting-party: {repeats: 1}}
    faults: [{fault: wan-never, target: hub, after: 0s}]
    expect: {outcome: failed, rules: {3.4.1-wait: passed, 3.4.1-persistence: failed}}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    file = tmp_path / "three.yaml"
    file.write_text(SUITE)
    return file


def run(suite: Path, *only: str, seed: int = 1, token: Cancellation | None = None) -> RunRecord:
    order = Order(suite, str(suite), seed, only)
    return run_suite(order, suite.parent / "out", cancellation=token)


def test_a_run_that_was_stopped_before_its_first_scenario_says_when_it_began(suite: Path) -> None:
    station = replace(DIRECT, clock=ClockSource.WALL)
    token = Cancellation()
    token.cancel("SIGINT")
    before = WallClock().now()
    record = run_suite(
        Order(suite, str(suite), 1, station=station), suite.parent / "out", cancellation=token
    )
    assert {each.started for each in record.scenarios} == {""}
    assert before // SECOND * SECOND <= parse_instant(record.started) <= WallClock().now()


def test_each_scenario_has_its_own_verdict_and_the_run_the_worst(suite: Path) -> None:
    record = run(suite)
    assert {each.name: each.verdict for each in record.scenarios} == {
        "meets": "pass",
        "fails": "fail",
        "deviant": "pass",
    }
    assert (record.verdict, record.kit, record.clock) == ("fail", "EMULATED", "virtual")
    assert record.scenarios[1].mismatches == (
        "outcome: expected parked, got commissioned",
        "account: expected SMSO, got DCC",
    )
    assert record.caught == (("deviant", "the party gives up early: 3.4.1-persistence failed"),)
    assert "failed" not in {rule.verdict for rule in record.certificates[0].rules}


def test_the_trace_holds_every_scenario_at_its_lines(suite: Path) -> None:
    record = run(suite)
    lines = (suite.parent / "out" / "trace.jsonl").read_text().splitlines()
    expected = 1
    for each in record.scenarios:
        assert each.first_line == expected
        of_it = [json.loads(line) for line in lines[each.first_line - 1 : each.last_line]]
        assert {line["installation"] for line in of_it} == {each.name}
        assert (of_it[0]["event"], of_it[-1]["event"]) == ("opened", "closed")
        expected = each.last_line + 1
    assert expected == len(lines) + 1


def test_the_trace_is_one_that_the_check_command_reads(suite: Path) -> None:
    run(suite, "meets")
    trace = suite.parent / "out" / "trace.jsonl"
    result = CliRunner().invoke(main, ["check", str(trace), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["verdict"] == "pass"


def test_the_record_read_back_is_the_record_written(suite: Path) -> None:
    record = run(suite)
    assert read_result(suite.parent / "out") == record


def test_no_key_byte_stands_in_any_file(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets: list[Secret] = []

    def watched(
        prepared: PreparedScenario,
        seed: int,
        cancellation: Cancellation | None = None,
        station: Station = DIRECT,
        **more: Any,
    ) -> Ran:
        ran = run_scenario(prepared, seed, cancellation, station, **more)
        secrets.extend(ran.secrets)
        return ran

    monkeypatch.setattr(runner, "run_scenario", watched)
    run(suite)
    assert len(secrets) > 8, "test keys and the new ones"
    written = [path for path in (suite.parent / "out").rglob("*") if path.is_file()]
    assert len(written) > 5
    for file in written:
        assert find_leaks(file.read_bytes(), secrets) == []


def test_a_scenario_alone_is_the_one_of_the_whole_run(suite: Path) -> None:
    """Worlds are separate: what ran before a scenario does not show in it."""
    whole = run(suite).scenarios[2]
    alone = run(suite, "deviant").scenarios[0]
    moved = replace(alone, first_line=whole.first_line, last_line=whole.last_line)
    assert moved.findings != () and whole.findings != ()  # noqa: PT018
    assert replace(moved, findings=()) == replace(whole, findings=())


def test_the_replay_command_runs_it_again(
    suite: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record = run(suite, "deviant", seed=7)
    words = shlex.split(record.scenarios[0].replay)
    assert words == ["smets1-bench", "run", str(suite), "--scenario", "deviant", "--seed", "7"]
    again = tmp_path / "again"
    result = CliRunner().invoke(main, [*words[1:], "--out", str(again)])
    assert result.exit_code == 0
    first = suite.parent / "out"
    assert (again / "trace.jsonl").read_bytes() == (first / "trace.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("only", "code"), [((), 1), (("meets",), 0), (("meets", "deviant"), 0), (("fails",), 1)]
)
def test_the_command_exits_by_scenarios(suite: Path, only: tuple[str, ...], code: int) -> None:
    options = [word for name in only for word in ("--scenario", name)]
    out = str(suite.parent / "cli")
    result = CliRunner().invoke(main, ["run", str(suite), *options, "--out", out])
    assert result.exit_code == code
    assert "EMULATED" in result.stdout


def test_strict_does_not_pass_an_inconclusive_certificate(suite: Path) -> None:
    out = str(suite.parent / "cli")
    command = ["run", str(suite), "--scenario", "meets", "--strict", "--out", out]
    assert CliRunner().invoke(main, command).exit_code == 3, "other groups were not run"


def test_an_unknown_scenario_runs_nothing(suite: Path) -> None:
    with pytest.raises(UsageError, match="no scenario is called 'meet'; did you mean 'meets'"):
        run(suite, "meet")
    assert not (suite.parent / "out").exists()


def test_a_stopped_run_keeps_what_is_done(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = Cancellation()

    def until_the_second(
        prepared: PreparedScenario,
        seed: int,
        cancellation: Cancellation | None = None,
        station: Station = DIRECT,
        **more: Any,
    ) -> Ran:
        if prepared.scenario.scenario == "fails":
            token.cancel("SIGINT")
        return run_scenario(prepared, seed, cancellation, station, **more)

    monkeypatch.setattr(runner, "run_scenario", until_the_second)
    record = run(suite, token=token)
    assert [each.not_run for each in record.scenarios] == [
        "",
        "the run was stopped: SIGINT",
        "the run was stopped: SIGINT",
    ]
    assert [each.verdict for each in record.scenarios] == ["pass", "", ""]
    assert record.certificates[0].verdict == "inconclusive"
    assert read_result(suite.parent / "out") == record


def test_a_fault_of_the_bench_is_not_booked_against_the_kit(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise BenchError("the port is gone")

    monkeypatch.setattr(scenario_run, "migrate", broken)
    record = run(suite, "meets")
    (scenario,) = record.scenarios
    assert (scenario.verdict, scenario.mismatches) == ("bench-error", ("the port is gone",))
    assert (scenario.first_line, scenario.last_line) == (0, 0)
    assert record.verdict == "bench-error"
    assert record.certificates[0].verdict == "inconclusive"


def test_a_folder_that_cannot_be_written_is_the_benchs_fault(suite: Path) -> None:
    (suite.parent / "out").write_text("a file stands in the way")
    with pytest.raises(BenchError, match="cannot be written"):
        run(suite)


def test_restoring_brings_the_kit_back() -> None:
    order = Order(find("suites", "commissioning"), "commissioning", 1, ("da-commissioned",))
    (prepared,) = [
        each for each in read_suite(order.suite)[1] if each.scenario.scenario == "da-commissioned"
    ]
    assert run_scenario(prepared, 1).bench_error == ""
    stuck = replace(
        prepared.scenario,
        parties=replace(
            prepared.scenario.parties,
            smso=replace(prepared.scenario.parties.smso, take_back=Reply.REFUSED),
        ),
    )
    ran = run_scenario(replace(prepared, scenario=stuck), 1)
    assert ran.bench_error.startswith("the kit could not be returned to its preconditions: ")


class StopsAfter(Cancellation):
    """Cancels itself at the n-th check: in the middle of a scenario, always at the same place."""

    def __init__(self, checks: int) -> None:
        super().__init__()
        self._left = checks

    def check(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.cancel("SIGTERM")
        super().check()


def test_a_scenario_stopped_in_the_middle_keeps_its_events_and_closes_withdrawn(
    tmp_path: Path,
) -> None:
    order = Order(find("suites", "key-rotation"), "key-rotation", seed=1)
    record = run_suite(order, tmp_path, cancellation=StopsAfter(150))
    left = [scenario for scenario in record.scenarios if scenario.not_run]
    assert left
    assert len(left) < len(record.scenarios)
    lines = (tmp_path / "trace.jsonl").read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[-1])
    assert (last["event"], last["outcome"]) == ("closed", "withdrawn")
    assert last["installation"] == left[0].name
    assert "SIGTERM" in left[0].not_run
