"""DCC's Data Service Provider: the CHF record on the Smart Metering Inventory, and incidents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.clock import Clock
from bench.emulation import DspBehaviour, Reply
from bench.parties import Actor, Inbox, IncidentResolved
from emulators.parties.desk import PARTY_TAKES, channel_to_party


class EmulatedDsp:
    """Updates the record, or fails to as often as its behaviour says; then it works.

    An incident is resolved after a while by the acting party. If an update of the record had been
    asked for in vain, resolving an incident mends it.
    """

    __slots__ = (
        "_behaviour",
        "_clock",
        "_failures",
        "_inbox",
        "_incidents",
        "_update_owed",
        "channel",
        "executed",
        "updated",
    )

    def __init__(self, clock: Clock, inbox: Inbox, behaviour: DspBehaviour) -> None:
        self._clock = clock
        self._inbox = inbox
        self._behaviour = behaviour
        self._failures = 0
        self._incidents = 0
        self._update_owed = False
        self.channel = channel_to_party(Actor.DSP.value, clock)
        self.executed: dict[str, int] = {}
        self.updated = False

    def behave(self, **changes: Any) -> None:
        """From now on otherwise: fields of `DspBehaviour`."""
        self._behaviour = replace(self._behaviour, **changes)

    def update_chf(self) -> None:
        how = self._behaviour
        reply = how.smi
        if reply is not Reply.ACCEPTED:
            if how.smi_failures is not None and self._failures >= how.smi_failures:
                reply = Reply.ACCEPTED
            self._failures += 1
        self._update_owed = not self.updated
        self.channel.ask("update_chf", self._update, PARTY_TAKES, reply, code=how.code)

    def chf_updated(self) -> bool:
        return self.channel.ask("chf_updated", lambda: self.updated, PARTY_TAKES)

    def raise_incident(self, summary: str) -> tuple[str, str]:
        number = self._incidents + 1
        incident = (f"INC-{number:04d}", self._behaviour.acting_party)
        return self.channel.ask(
            "raise_incident",
            lambda: self._raise(incident),
            PARTY_TAKES,
            acknowledgement=incident,
        )

    def _update(self) -> None:
        self.updated = True
        self._update_owed = False
        self._count("update_chf")

    def _raise(self, incident: tuple[str, str]) -> tuple[str, str]:
        self._incidents += 1
        self._count("raise_incident")
        if self._behaviour.resolves_after is not None:
            due = self._clock.now() + self._behaviour.resolves_after
            self._clock.call_at(due, lambda: self._resolve(incident))
        return incident

    def _resolve(self, incident: tuple[str, str]) -> None:
        if self._update_owed:
            self._update()
        self._inbox.deliver(IncidentResolved(*incident))

    def _count(self, operation: str) -> None:
        self.executed[operation] = self.executed.get(operation, 0) + 1
