"""The operator at the live page: an answer comes as `answer.json` in the run's folder.

`smets1-bench serve --control` writes it; the run takes it. A person at the terminal may answer
the same question; the first answer counts.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.clock import Cancellation, Cancelled
from bench.live.board import Board
from bench.operator import Answered, Operator, OperatorStep
from bench.units import SECOND, Micros

ANSWER: Final = "answer.json"
LONGEST_NAME: Final = 80

_LOOK_AGAIN: Final = 0.2  # seconds of real time


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """To which question, what, and who says so."""

    number: int
    answer: str
    by: str


def leave_answer(folder: Path, answer: PageAnswer) -> None:
    """Puts the answer where the run looks for it, whole. OSError: it cannot be written."""
    text = json.dumps({"number": answer.number, "answer": answer.answer, "by": answer.by})
    unfinished = folder / f".{ANSWER}"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(folder / ANSWER)


class PageOperator:
    """Asks at the page and, where somebody sits there, at the terminal as well.

    `attend` says which run is asked for, before the first question.
    """

    def __init__(
        self,
        terminal: Operator,
        now: Callable[[], Micros],
        *,
        page: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` is the wall clock, by which the page counts down. `page`: somebody is there even
        though nobody is at the terminal.
        """
        self.absent = "" if page else terminal.absent
        self._terminal = terminal
        self._now = now
        self._monotonic = monotonic
        self._run: tuple[Path, Board] | None = None

    def attend(self, folder: Path, board: Board) -> None:
        self._run = folder, board

    def ask(self, step: OperatorStep, cancellation: Cancellation) -> Answered:
        """The first answer, from wherever. Raises `Cancelled`."""
        assert self._run is not None, "no run is attended"
        folder, board = self._run
        (folder / ANSWER).unlink(missing_ok=True)
        number = board.asks(step.ask, step.answers, self._now() + step.within)
        here = _InThread(self._terminal, step)
        try:
            until = self._monotonic() + step.within / SECOND
            while True:
                cancellation.check()
                answer = here.answer or _left(folder, number, step)
                if answer is not None:
                    return answer
                left = until - self._monotonic()
                if left <= 0:
                    return Answered("", "")
                here.wait(min(left, _LOOK_AGAIN))
        finally:
            here.stop()
            board.asked()


def _left(folder: Path, number: int, step: OperatorStep) -> Answered | None:
    try:
        data = json.loads((folder / ANSWER).read_text(encoding="utf-8"))
        given = PageAnswer(int(data["number"]), str(data["answer"]), str(data["by"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if given.number != number or given.answer not in step.answers:
        return None
    return Answered(given.answer, given.by[:LONGEST_NAME] or "live page")


class _InThread:
    """The terminal's question, asked beside the page's."""

    def __init__(self, terminal: Operator, step: OperatorStep) -> None:
        self.answer: Answered | None = None
        self._answered = threading.Event()
        self._cancellation = Cancellation()
        self._thread: threading.Thread | None = None
        if not terminal.absent:
            self._thread = threading.Thread(target=self._ask, args=(terminal, step), daemon=True)
            self._thread.start()

    def wait(self, seconds: float) -> None:
        self._answered.wait(seconds)

    def stop(self) -> None:
        self._cancellation.cancel("answered elsewhere")
        if self._thread is not None:
            self._thread.join()

    def _ask(self, terminal: Operator, step: OperatorStep) -> None:
        try:
            answered = terminal.ask(step, self._cancellation)
        except Cancelled:
            return
        if answered.answer:
            self.answer = answered
            self._answered.set()
