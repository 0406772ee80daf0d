"""The Migration Control Centre: the split-supply calendar and validation by 2.3.2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.clock import Clock
from bench.emulation import MccBehaviour
from bench.parties import Actor, AuthorisationReceived, Validation, Week
from bench.units import DAY, Micros
from emulators.parties.desk import PARTY_TAKES, channel_to_party

_WEEK: Final = 7 * DAY
_FIRST_MONDAY: Final = 4 * DAY  # 1970-01-05

NOT_ELIGIBLE: Final = "MA110"


class EmulatedMcc:
    """Designates whole weeks, from a Monday 00:00 UTC to the next, on and on.

    The series starts with the first Monday not before `first_week_after` from when the calendar
    is first asked for; asked again it tells the weeks of that series that are not over yet.
    """

    __slots__ = ("_behaviour", "_clock", "_first_week", "_rejected", "_suppliers", "channel")

    def __init__(self, clock: Clock, behaviour: MccBehaviour, suppliers: Sequence[str]) -> None:
        self._clock = clock
        self._behaviour = behaviour
        self._suppliers = suppliers
        self._first_week: Micros | None = None
        self._rejected = 0
        self.channel = channel_to_party(Actor.MCC.value, clock)

    def calendar(self) -> Sequence[Week]:
        return self.channel.ask("calendar", self._calendar, PARTY_TAKES)

    def validate(self, authorisation: AuthorisationReceived) -> Validation:
        return self.channel.ask("validate", lambda: self._validate(authorisation), PARTY_TAKES)

    def _calendar(self) -> Sequence[Week]:
        if len(self._suppliers) < 2:
            return ()
        if self._first_week is None:
            self._first_week = _monday_from(self._clock.now() + self._behaviour.first_week_after)
        first = self._first_week
        every = max(_WEEK, -(-self._behaviour.weeks_every // _WEEK) * _WEEK)
        over = self._clock.now() - (first + _WEEK)
        skipped = 0 if over < 0 else over // every + 1
        starts = (first + (skipped + n) * every for n in range(self._behaviour.weeks))
        return tuple(Week(start, start + _WEEK) for start in starts)

    def _validate(self, authorisation: AuthorisationReceived) -> Validation:
        how = self._behaviour
        if authorisation.supplier not in self._suppliers:
            return Validation(False, "unknown-supplier")
        if not how.eligible:
            return Validation(False, NOT_ELIGIBLE)
        if how.code and (how.rejects is None or self._rejected < how.rejects):
            self._rejected += 1
            return Validation(False, how.code)
        return Validation(True)


def _monday_from(at: Micros) -> Micros:
    """The first Monday 00:00 UTC not before `at`."""
    return at + (_FIRST_MONDAY - at) % _WEEK
