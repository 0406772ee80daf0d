"""Attempts and waits: does something, records the attempt, waits as the schedule says, repeats.

When to try again is the retry schedule's alone (`bench.mehrs.retry`).
"""

from __future__ import annotations

from collections.abc import Callable

from bench.errors import PeerError
from bench.mehrs import retry
from bench.migration.case import Case, CheckFailed
from bench.migration.codes import code_of, retryable
from bench.parties import Actor, Group
from bench.trace import Attempt

SECTION_OF_GROUP = {Group.IOC: "3.1", Group.MDS: "3.2"}
"""The S1SP's own retry by group; DA has 3.3 for keys, EA's 3.4.1 is its Requesting Party's."""


def with_retry(case: Case, operation: str, act: Callable[[], None]) -> None:
    """Does `act` as often as the group's retry allows; raises the last failure.

    `act` must be safe to repeat. A group without a retry of its own has one try, and no attempt
    is recorded, for no section speaks of it.
    """
    section = SECTION_OF_GROUP.get(case.group)
    if section is None:
        act()
        return
    chain = Chain(case, section, operation)
    while True:
        chain.start()
        try:
            act()
        except (PeerError, CheckFailed) as error:
            code, again = _explain(error)
            chain.failed(code, retryable=again)
            if not again or not chain.wait():
                raise
        else:
            chain.succeeded()
            return


def _explain(error: PeerError | CheckFailed) -> tuple[str, bool]:
    if isinstance(error, CheckFailed):
        return error.code, error.retryable
    return code_of(error), retryable(error)


class Chain:
    """The attempts at one operation in one passage, as the trace will show them.

    `wait()` sleeps until the schedule's next attempt and returns True, or returns False when the
    schedule gives up.
    """

    def __init__(self, case: Case, section: str, operation: str, device: str | None = None) -> None:
        self._case = case
        self._section = section
        self._operation = operation
        self._device = device
        self._schedule = retry.RetrySchedule(retry.retry_policy(case.strategy, section))
        self._made: list[retry.Attempt] = []
        self._next = self._schedule.first(case.effects.now())
        self._started = 0

    def start(self) -> None:
        self._started = self._case.effects.now()

    def succeeded(self) -> None:
        self._record("succeeded")

    def failed(self, code: str, *, retryable: bool = True) -> None:
        self._record("failed", code, retryable=retryable)

    def unknown(self, code: str) -> None:
        """The attempt's reply was lost: done or not is not known."""
        self._record("unknown", code)

    def _record(self, outcome: str, code: str | None = None, *, retryable: bool = True) -> None:
        now = self._case.effects.now()
        attempt = self._next
        self._case.emit(
            Attempt,
            at=now,  # the time that the next wait is counted from, read once
            section=self._section,
            number=attempt.number,
            phase=attempt.phase,
            operation=self._operation,
            device=self._device,
            started=self._started,
            outcome=outcome,
            code=code,
            retryable=retryable,
            actor=Actor.S1SP,
        )
        self._made.append(retry.Attempt(attempt.number, attempt.phase, self._started, now))

    def wait(self) -> bool:
        decision = self._schedule.after(self._made)
        if isinstance(decision, retry.GiveUp):
            return False
        self._next = decision
        self._case.effects.sleep_until(decision.at)
        return True
