"""The operator at this terminal."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping
from typing import Final, TextIO

from bench.clock import Cancellation
from bench.operator import Answered, OperatorStep
from bench.printable import printable
from bench.units import SECOND, format_duration

_LOOK_AGAIN: Final = 0.2  # seconds of real time between looks at a cancellation


class TerminalOperator:
    """Asks on `out` and reads lines from `keyboard`; `by` is who sits there.

    Where either is no terminal, or a CI server says that it is one (`CI` is set), nobody is there.
    """

    def __init__(
        self,
        by: str,
        keyboard: TextIO,
        out: TextIO,
        environment: Mapping[str, str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._by = by or "operator"
        self._keyboard = keyboard
        self._out = out
        self._monotonic = monotonic
        self.absent = ""
        if environment.get("CI", "").lower() not in ("", "0", "false"):
            self.absent = "nobody is there to be asked: a CI server runs this (CI is set)"
        elif not (keyboard.isatty() and out.isatty()):
            self.absent = "nobody is there to be asked: standard input or output is no terminal"

    def ask(self, step: OperatorStep, cancellation: Cancellation) -> Answered:
        """An answer may be shortened to what no other answer begins with."""
        until = self._monotonic() + step.within / SECOND
        self._say(f"\n{printable(self._by)}, please: {printable(step.ask)}\n")
        if len(step.answers) == 1:
            self._say(f"  press Enter when it is {printable(step.needed)}")
        else:
            self._say(f"  answer {' or '.join(map(printable, step.answers))}")
        self._say(f" (within {format_duration(step.within)}): ")
        line = b""
        while True:
            cancellation.check()
            left = until - self._monotonic()
            if left <= 0:
                self._say("\n  the time is up\n")
                return Answered("", self._by)
            ready, _, _ = select.select([self._keyboard], [], [], min(left, _LOOK_AGAIN))
            if not ready:
                continue
            piece = os.read(self._keyboard.fileno(), 4096)
            if not piece:
                self._say("\n")
                return Answered("", self._by)
            line += piece
            while b"\n" in line:
                said, _, line = line.partition(b"\n")
                answer = _meant(said.decode("utf-8", "replace").strip(), step.answers)
                if answer:
                    return Answered(answer, self._by)
                self._say(f"  expected {' or '.join(map(printable, step.answers))}: ")

    def _say(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _meant(said: str, answers: tuple[str, ...]) -> str:
    """The answer that was meant; empty where none or more than one can be."""
    if len(answers) == 1 and not said:
        return answers[0]
    folded = said.casefold()
    exact = [answer for answer in answers if answer.casefold() == folded]
    near = exact or [answer for answer in answers if said and answer.casefold().startswith(folded)]
    return near[0] if len(near) == 1 else ""
