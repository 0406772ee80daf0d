"""`smets1-bench check` as its user meets it: options, exit codes, JSON, text, errors."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bench.cli.check import check, judge_files
from bench.errors import UsageError
from bench.mehrs.loader import load_strategy
from bench.trace import Attempt, Closed, Event, File, Opened, Step, to_json
from bench.units import DAY, HOUR, MINUTE, SECOND, parse_instant

START = parse_instant("2021-05-04T09:00:00Z")
LAB: dict[str, Any] = {"installation": "I-0001"}


def ea_chain(wait: int = 5 * MINUTE, repeats: int = 3, name: str = "I-0001") -> list[Event]:
    """An EA installation that was given up after `repeats`."""
    return [
        Opened(at=START, installation=name, group="EA"),
        *(
            Attempt(
                at=START + number * wait,
                installation=name,
                section="3.4.1",
                number=number,
                outcome="failed",
            )
            for number in range(1, repeats + 2)
        ),
        Closed(at=START + 2 * DAY, installation=name, outcome="failed"),
    ]


def write(path: Path, events: Sequence[Event]) -> str:
    path.write_text("".join(to_json(event) + "\n" for event in events), "utf-8")
    return str(path)


def run(*args: str, fed: str | None = None) -> Result:
    return CliRunner().invoke(check, args, input=fed, standalone_mode=True)


def answer(*args: str, fed: str | None = None) -> dict[str, Any]:
    result = run(*args, "--json", fed=fed)
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


@pytest.mark.parametrize(
    ("wait", "repeats", "args", "code", "verdict"),
    [
        (4 * HOUR, 5, [], 0, "pass"),
        (5 * MINUTE, 3, [], 1, "fail"),
        (5 * MINUTE, 3, ["--mehrs", "5.0-draft"], 0, "pass"),
        (5 * MINUTE, 3, ["--mehrs", "2.0", "--mam", "3.0"], 3, "nothing"),
        (4 * HOUR + MINUTE, 5, [], 0, "pass"),
        (4 * HOUR + MINUTE, 5, ["--tolerance", "59s"], 1, "fail"),
        (4 * HOUR, 5, ["--as-of", "2021-04-30"], 0, "pass"),
    ],
)
def test_exit_code_and_verdict(
    tmp_path: Path, wait: int, repeats: int, args: list[str], code: int, verdict: str
) -> None:
    path = write(tmp_path / "trace.jsonl", ea_chain(wait, repeats))
    assert run(path, *args).exit_code == code
    assert answer(path, *args)["verdict"] == verdict


def test_json_is_one_object_of_the_format(tmp_path: Path) -> None:
    path = write(tmp_path / "trace.jsonl", ea_chain())
    strategy = load_strategy()
    assert answer(path) == {
        "format": 1,
        "mehrs": "5.0",
        "mam": "4.0",
        "overlay": None,
        "hashes": {"mehrs": strategy.mehrs.digest, "mam": strategy.mam.digest},
        "events": 6,
        "installations": 1,
        "verdict": "fail",
        "rules": {
            "3.4.1-wait": {"passed": 0, "failed": 1, "inconclusive": 0},
            "3.4.1-repeats": {"passed": 1, "failed": 0, "inconclusive": 0},
            "3.4.1-persistence": {"passed": 0, "failed": 1, "inconclusive": 0},
        },
        "findings": [
            {
                "installation": "I-0001",
                "rule": "3.4.1-wait",
                "section": "3.4.1",
                "status": "concluded",
                "verdict": "failed",
                "expected": "4 h ± 60 s",
                "observed": "5 min in 3 of 3 waits",
                "where": [f"trace.jsonl:{line}" for line in (2, 3, 4, 5)],
                "reading_sensitive": False,
                "message": "The wait before an attempt is not as long as the strategy says.",
            },
            {
                "installation": "I-0001",
                "rule": "3.4.1-persistence",
                "section": "3.4.1",
                "status": "reading",
                "verdict": "failed",
                "expected": "6 attempts",
                "observed": "4 attempts, then closed failed",
                "where": ["trace.jsonl:5", "trace.jsonl:6"],
                "reading_sensitive": False,
                "message": "The retry was given up while the strategy asks for another attempt.",
            },
        ],
    }


def test_text_says_what_to_look_at_worst_first(tmp_path: Path) -> None:
    path = write(tmp_path / "trace.jsonl", [*ea_chain(4 * HOUR, 5), *ea_chain(name="I-0002")])
    lines = run(path).stdout.splitlines()
    assert lines[0] == "FAIL: the trace breaks the strategy"
    text = "\n".join(lines)
    assert text.index("FAILED  I-0002  3.4.1-wait") < text.index("PASSED  I-0001  3.4.1-repeats")
    for said in (
        "Trace     14 events of 2 installations",
        "MEHRS     5.0  sha256:",
        "Overlay   none",
        "  expected: 4 h ± 60 s",
        "  look at:  trace.jsonl:10, trace.jsonl:11",
        "  source:   [C s5] [S row 4]; status: concluded",
        "  reading:  read with 3.4.1.counting = attempts: failed (pinned: repeats)",
    ):
        assert said in text
    assert max(map(len, lines)) <= 100


def test_text_of_an_inconclusive_rule_says_what_would_settle_it(tmp_path: Path) -> None:
    events: list[Event] = [
        Opened(at=START, group="MDS", **LAB),
        *(
            Attempt(at=START + n * HOUR, section="3.2", number=n, outcome="failed", **LAB)
            for n in (1, 2)
        ),
        Closed(at=START + DAY, outcome="failed", **LAB),
    ]
    result = run(write(tmp_path / "trace.jsonl", events))
    assert result.exit_code == 3
    assert "INCONCLUSIVE: nothing failed" in result.stdout
    assert "an overlay that gives 3.2.interval and 3.2.repeats" in result.stdout


def test_a_name_cannot_drive_the_terminal(tmp_path: Path) -> None:
    path = write(tmp_path / "trace.jsonl", ea_chain(name="I\x1b[31m\n1"))
    assert "\x1b" not in run(path).stdout
    assert "I\\x1b[31m\\n1" in run(path).stdout


def test_standard_input(tmp_path: Path) -> None:
    fed = Path(write(tmp_path / "trace.jsonl", ea_chain())).read_text("utf-8")
    assert answer("-", fed=fed)["findings"][0]["where"][0] == "-:2"


def test_several_files_are_one_trace(tmp_path: Path) -> None:
    events = ea_chain()
    whole = answer(write(tmp_path / "whole.jsonl", events))
    for cut in range(1, len(events)):
        parts = [
            write(tmp_path / "a.jsonl", events[:cut]),
            write(tmp_path / "b.jsonl", events[cut:]),
        ]
        split = answer(*parts)
        assert {**split, "findings": []} == {**whole, "findings": []}
        assert [f["observed"] for f in split["findings"]] == [
            f["observed"] for f in whole["findings"]
        ]


def test_sorting_a_shuffled_trace_gives_what_the_trace_gives(tmp_path: Path) -> None:
    events = [*ea_chain(), *ea_chain(7 * MINUTE, 4, "I-0002")]
    ordered = sorted(events, key=lambda event: event.at)
    whole = answer(write(tmp_path / "trace.jsonl", ordered))
    for seed in range(20):
        # Events of one installation differ in time; of those of one moment the first stays first.
        shuffled = list(ordered)
        random.Random(seed).shuffle(shuffled)
        shuffled.sort(key=lambda event: (event.at == START, event.installation))
        shuffled.sort(key=lambda event: event.at == START, reverse=True)
        path = write(tmp_path / "shuffled.jsonl", shuffled)
        found = answer(path, "--sort")
        assert found["rules"] == whole["rules"]
        assert [(f["installation"], f["rule"], f["observed"]) for f in found["findings"]] == [
            (f["installation"], f["rule"], f["observed"]) for f in whole["findings"]
        ]


def test_an_unsorted_trace_is_refused_with_every_line(tmp_path: Path) -> None:
    events = ea_chain()
    path = write(tmp_path / "trace.jsonl", [events[0], *reversed(events[1:])])
    with pytest.raises(UsageError) as caught:
        judge_files([path], load_strategy(), MINUTE)
    assert [str(problem).split(": ")[0] for problem in caught.value.problems] == [
        f"trace.jsonl:{line}" for line in (3, 4, 5, 6)
    ]
    assert "(--sort sorts first)" in str(caught.value.problems[0])


def test_errors_of_lines_and_of_order_come_together(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    write(path, ea_chain())
    lines = path.read_text("utf-8").splitlines()
    step = Step(at=START + DAY, installation="I-0009", section="2.3.2", outcome="passed")
    path.write_text("\n".join([*lines[:3], "{}", to_json(step), *lines[3:]]), "utf-8")
    with pytest.raises(UsageError) as caught:
        judge_files([str(path)], load_strategy(), MINUTE)
    assert [str(problem).split(": ")[0] for problem in caught.value.problems] == [
        "trace.jsonl:4",
        "trace.jsonl:5",
    ]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "Missing argument"),
        (["--tolerance", "60"], "a duration: a whole number and a unit"),
        (["--tolerance", "-5s"], "a duration: a whole number and a unit"),
        (["--colour"], "No such option"),
    ],
)
def test_wrong_usage_exits_2(tmp_path: Path, args: list[str], says: str) -> None:
    paths = [write(tmp_path / "trace.jsonl", ea_chain())] if args else []
    result = run(*paths, *args)
    assert result.exit_code == 2
    assert says in result.stderr


@pytest.mark.parametrize(("name", "hinted"), [("export.CSV", True), ("trace.jsonl", False)])
def test_a_log_of_another_system_is_pointed_to_the_map(
    tmp_path: Path, name: str, hinted: bool
) -> None:
    path = tmp_path / name
    path.write_text("time,meter\n2021-01-01,a\n", encoding="utf-8")
    with pytest.raises(UsageError, match="expected one JSON object") as caught:
        CliRunner().invoke(check, [str(path)], catch_exceptions=False)
    assert ("--map FILE" in caught.value.hint) is hinted


def test_standard_input_cannot_be_read_twice() -> None:
    with pytest.raises(UsageError, match="once at most"):
        CliRunner().invoke(check, ["-", "-"], input="", catch_exceptions=False)


def test_help_has_an_example() -> None:
    assert "smets1-bench check trace.jsonl" in run("--help").stdout


def test_time_grows_with_the_events_not_with_their_square(tmp_path: Path) -> None:
    """Work is counted, not timed: ten times the attempts, outages and MCFs, ten times the calls."""
    import cProfile

    def calls(count: int) -> int:
        events: list[Event] = [Opened(at=START, group="DA", **LAB)]
        for n in range(1, count + 1):
            at = START + n * SECOND
            events += [
                Attempt(
                    at=at, section="3.3", number=n, device=f"d{n % 7}", outcome="unknown", **LAB
                )
                if n > 7
                else Attempt(
                    at=at, section="3.3", number=1, device=f"d{n}", outcome="failed", **LAB
                ),
                File(at=at, file="MCF", action="generated", **LAB),
                Step(at=at, section="2.3.2", outcome="failed", **LAB),
            ]
        events.append(Closed(at=START + DAY, outcome="failed", **LAB))
        path = write(tmp_path / "trace.jsonl", events)
        profile = cProfile.Profile()
        profile.runcall(judge_files, [path], load_strategy(), MINUTE)
        return sum(entry.callcount for entry in profile.getstats())

    assert calls(2_000) < 12 * calls(200)
