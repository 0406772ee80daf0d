"""A question asked at the page and at the terminal: the first answer counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.clock import Cancellation, Cancelled
from bench.live.board import Board
from bench.live.page_operator import PageAnswer, PageOperator, leave_answer
from bench.live.status import Status, read_status
from bench.operator import Answered, Nobody, Occasion, Operator, OperatorStep

STEP = OperatorStep(Occasion.BEFORE, "is it plugged?", ("yes", "no"))


class Waiting:
    """A terminal at which nobody answers until it is cancelled, or `answer` is set."""

    absent = ""

    def __init__(self, answer: Answered | None = None) -> None:
        self.answer = answer
        self.asked = threading.Event()

    def ask(self, step: OperatorStep, cancellation: Cancellation) -> Answered:
        self.asked.set()
        if self.answer is not None:
            return self.answer
        over = threading.Event()
        cancellation.on_cancel(over.set)
        over.wait()
        raise Cancelled("answered elsewhere")


class Page:
    """The page's side: once the question is published it leaves these answers."""

    def __init__(self, folder: Path, *answers: tuple[int, str]) -> None:
        self._folder = folder
        self._answers = list(answers)

    def __call__(self, status: Status) -> None:
        if status.question is not None:
            for shift, answer in self._answers:
                number = status.question.number + shift
                leave_answer(self._folder, PageAnswer(number, answer, "Ada"))


def attending(
    folder: Path, board: Board, terminal: Operator, monotonic: Callable[[], float] = time.monotonic
) -> PageOperator:
    operator = PageOperator(terminal, lambda: 0, page=True, monotonic=monotonic)
    operator.attend(folder, board)
    return operator


def board(folder: Path, page: Page | None = None) -> Board:
    return Board(Status("", "s", "b", "wall", 1, 0, 0, 1), folder, looked=page)


def test_the_page_answers_and_the_terminal_stops_asking(tmp_path: Path) -> None:
    terminal = Waiting()
    told = board(tmp_path, Page(tmp_path, (0, "no")))
    operator = attending(tmp_path, told, terminal)
    assert operator.ask(STEP, Cancellation()) == Answered("no", "Ada")
    assert terminal.asked.is_set()
    status = read_status(tmp_path)
    assert status is not None
    assert status.question is None


def test_the_terminal_answers(tmp_path: Path) -> None:
    operator = attending(tmp_path, board(tmp_path), Waiting(Answered("yes", "Bo")))
    assert operator.ask(STEP, Cancellation()) == Answered("yes", "Bo")


@pytest.mark.parametrize("left", [(-1, "yes"), (0, "perhaps")])
def test_an_answer_to_another_question_or_none_of_the_answers_is_not_taken(
    tmp_path: Path, left: tuple[int, str]
) -> None:
    ticks = iter([0.0, 1.0, 1e9])
    told = board(tmp_path, Page(tmp_path, left))
    operator = attending(tmp_path, told, Nobody(), lambda: next(ticks))
    assert operator.ask(STEP, Cancellation()) == Answered("", "")


def test_an_answer_that_lies_there_from_before_is_not_taken(tmp_path: Path) -> None:
    leave_answer(tmp_path, PageAnswer(1, "yes", "an earlier run"))
    ticks = iter([0.0, 1e9])
    operator = attending(tmp_path, board(tmp_path), Nobody(), lambda: next(ticks))
    assert operator.ask(STEP, Cancellation()) == Answered("", "")


def test_a_cancelled_run_asks_no_longer(tmp_path: Path) -> None:
    cancellation = Cancellation()
    cancellation.cancel("SIGINT")
    with pytest.raises(Cancelled):
        attending(tmp_path, board(tmp_path), Waiting()).ask(STEP, cancellation)
    status = read_status(tmp_path)
    assert status is not None
    assert status.question is None


@pytest.mark.parametrize(("page", "absent"), [(True, ""), (False, Nobody.absent)])
def test_whether_anybody_is_there(page: bool, absent: str) -> None:
    assert PageOperator(Nobody(), lambda: 0, page=page).absent == absent
