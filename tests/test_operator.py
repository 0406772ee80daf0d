"""Asking the person at the bench: the terminal's answers, and what becomes of them in a run."""

from __future__ import annotations

import io
import json
import os
import pty
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import pytest

from bench.clock import Cancellation, Cancelled
from bench.errors import UsageError
from bench.operator import Answered, Occasion, OperatorStep
from bench.operator_terminal import TerminalOperator
from bench.order import Order
from bench.runner import run_suite
from bench.suite_reading import read_suite
from bench.units import SECOND

ASK = OperatorStep(Occasion.BEFORE, "Is it plugged in?", ("yes", "no", "not sure"), 60 * SECOND)


@dataclass
class Terminal:
    """A pseudo-terminal: `keys` are typed, `out` is what stands on the screen."""

    keyboard: TextIO
    typing: int
    time: float = 0.0
    out: io.StringIO = field(default_factory=io.StringIO)

    def monotonic(self) -> float:
        """Every look at the clock takes ten seconds."""
        self.time += 10
        return self.time

    def operator(self, environment: dict[str, str] | None = None) -> TerminalOperator:
        self.out.isatty = lambda: True  # type: ignore[method-assign]
        return TerminalOperator("K.", self.keyboard, self.out, environment or {}, self.monotonic)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    typing, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as keyboard:
        yield Terminal(keyboard, typing)
    os.close(typing)


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ("yes\n", "yes"),
        ("YES \n", "yes"),
        ("y\n", "yes"),
        ("no\n", "no"),
        ("not\n", "not sure"),
        ("n\nperhaps\n\nyes\n", "yes"),
    ],
)
def test_what_is_typed_is_an_answer_or_asked_again(
    terminal: Terminal, keys: str, answer: str
) -> None:
    os.write(terminal.typing, keys.encode())
    assert terminal.operator().ask(ASK, Cancellation()) == Answered(answer, "K.")
    shown = terminal.out.getvalue()
    assert "K., please: Is it plugged in?" in shown
    assert "answer yes or no or not sure (within 1 min)" in shown
    assert shown.count("expected yes or no or not sure") == keys.count("\n") - 1


def test_enter_is_enough_where_there_is_one_answer(terminal: Terminal) -> None:
    os.write(terminal.typing, b"\n")
    step = OperatorStep(Occasion.BEFORE, "Plug it in.")
    assert terminal.operator().ask(step, Cancellation()).answer == "done"


def test_the_time_is_up(terminal: Terminal) -> None:
    assert terminal.operator().ask(ASK, Cancellation()) == Answered("", "K.")
    assert terminal.time == 70, "asked at 10 s, up at 70 s"
    assert "the time is up" in terminal.out.getvalue()


def test_a_question_ends_when_the_run_is_stopped(terminal: Terminal) -> None:
    stopped = Cancellation()
    stopped.cancel("SIGINT")
    with pytest.raises(Cancelled):
        terminal.operator().ask(ASK, stopped)


@pytest.mark.parametrize(
    ("set_to", "there"), [("", True), ("0", True), ("false", True), ("true", False), ("1", False)]
)
def test_nobody_is_asked_by_a_ci_server(terminal: Terminal, set_to: str, there: bool) -> None:
    assert (terminal.operator({"CI": set_to}).absent == "") is there


def test_nobody_is_asked_without_a_terminal(terminal: Terminal) -> None:
    operator = TerminalOperator("", io.StringIO(), terminal.out, {})
    assert operator.absent.endswith("standard input or output is no terminal")


SUITE = """\
suite: asks
scenarios:
  - scenario: asked
    about: somebody looks at the display
    installation: da-dual-fuel
    operator:
      - {step: before, ask: Is it plugged in?, answers: ["yes", "no"]}
      - {step: after, ask: Does it show a reading?, answers: ["yes", "no"], within: 30s}
    expect: {outcome: commissioned}
"""


@dataclass
class Scripted:
    """Answers in order; None: nothing in time."""

    answers: list[str]
    absent: str = ""

    def ask(self, step: OperatorStep, cancellation: Cancellation) -> Answered:
        return Answered(self.answers.pop(0), "K.")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "asks.yaml").write_text(SUITE, encoding="utf-8")
    return tmp_path / "asks.yaml"


@pytest.mark.parametrize(
    ("answers", "verdict", "said"),
    [
        (["yes", "yes"], "pass", ""),
        (["yes", "no"], "fail", "'Does it show a reading?': expected yes, got no"),
        (["yes", ""], "inconclusive", "expected yes, nobody answered: Does it show a reading?"),
        (["no"], "", "the operator answered 'no' to: Is it plugged in?"),
        ([""], "", "nobody answered within 5 min to: Is it plugged in?"),
    ],
)
def test_what_becomes_of_an_answer(
    suite: Path, answers: list[str], verdict: str, said: str
) -> None:
    asked = len(answers)
    order = Order(suite, "asks", 1, operator=Scripted(answers))
    (scenario,) = run_suite(order, suite.parent / "out").scenarios
    assert scenario.verdict == verdict
    assert said in "; ".join([*scenario.mismatches, *scenario.unknown, scenario.not_run])
    assert len(scenario.operator) == asked
    lines = (suite.parent / "out/trace.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    if not verdict:
        assert events == [], "nothing was begun"
        return
    kinds = [event["event"] for event in events]
    assert (kinds[0], kinds[1], kinds[-2], kinds[-1]) == (
        "opened",
        "operator",
        "operator",
        "closed",
    )
    assert events[1]["answered"] <= events[1]["at"] == events[0]["at"]
    assert events[-2]["at"] <= events[-1]["at"]


def test_without_anybody_it_is_not_run(suite: Path) -> None:
    order = Order(suite, "asks", 1, operator=Scripted([], absent="everybody is at lunch"))
    (scenario,) = run_suite(order, suite.parent / "out").scenarios
    assert scenario.not_run == "it asks a person, and everybody is at lunch"


def test_questions_are_checked(suite: Path) -> None:
    text = SUITE.replace('answers: ["yes", "no"], within: 30s', "answers: [a, A], within: 0s")
    suite.write_text(text.replace("Is it plugged in?", '" "'), encoding="utf-8")
    with pytest.raises(UsageError) as refusal:
        read_suite(suite)
    assert [str(each).removeprefix(f"{suite}:") for each in refusal.value.problems] == [
        "7:29: scenarios[0].operator[0].ask: expected a sentence, got nothing",
        "8:62: scenarios[0].operator[1].answers: expected answers that can be told apart, "
        "the one that is needed first",
        "8:78: scenarios[0].operator[1].within: expected a duration above 0",
    ]
