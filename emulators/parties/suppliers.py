"""A supplier that authorises the migration of its supply."""

from __future__ import annotations

from collections.abc import Sequence

from bench.clock import Appointment, Clock
from bench.emulation import SupplierBehaviour
from bench.parties import AuthorisationReceived, Inbox, Week


class EmulatedSupplier:
    """Authorises once for an opening of a single supply, and in each week of a split one.

    In a week that has begun it catches up at once; a week that is over it leaves alone. A delay
    longer than a week makes it miss each of them.
    """

    __slots__ = ("_behaviour", "_clock", "_due", "_inbox", "name")

    def __init__(self, name: str, clock: Clock, inbox: Inbox, behaviour: SupplierBehaviour) -> None:
        self.name = name
        self._clock = clock
        self._inbox = inbox
        self._behaviour = behaviour
        self._due: list[Appointment] = []

    def open(self, weeks: Sequence[Week]) -> None:
        for appointment in self._due:
            appointment.cancel()
        self._due.clear()
        after = self._behaviour.authorises_after
        if after is None:
            return
        now = self._clock.now()
        if weeks:
            moments = [max(week.start + after, now) for week in weeks if week.end > now]
        else:
            moments = [now + after]
        self._due.extend(self._clock.call_at(at, self._authorise) for at in moments)

    def _authorise(self) -> None:
        self._inbox.deliver(AuthorisationReceived(self.name, self._clock.now()))
