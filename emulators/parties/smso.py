"""The Smart Metering System Operator that held the account before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.clock import Appointment, Clock
from bench.emulation import SmsoBehaviour
from bench.parties import Actor, FileReceived, Holder, Inbox, ListedDevice
from bench.units import MINUTE, Micros
from emulators.models.rejection import Rejected
from emulators.parties.books import devices_in
from emulators.parties.desk import PARTY_TAKES, channel_to_party


class EmulatedSmso:
    """Transfers the account and takes it back, each only when it is the other's to give.

    The required file set follows a transfer by itself; once the account is back, a file set still
    under way is withheld. `copies`: how often it is sent. `holder` is the truth; `executed` counts
    what was really done.
    """

    __slots__ = (
        "_behaviour",
        "_clock",
        "_devices",
        "_file_devices",
        "_files",
        "_inbox",
        "channel",
        "copies",
        "executed",
        "holder",
    )

    def __init__(
        self,
        clock: Clock,
        inbox: Inbox,
        behaviour: SmsoBehaviour,
        devices: Sequence[ListedDevice],
    ) -> None:
        self._clock = clock
        self._inbox = inbox
        self._behaviour = behaviour
        self._devices = devices_in(behaviour.books, devices)
        self._file_devices = devices_in(behaviour.files, devices)
        self._files: list[Appointment] = []
        self.copies = 1
        self.channel = channel_to_party(Actor.SMSO.value, clock)
        self.holder = Holder.SMSO
        self.executed: dict[str, int] = {}

    def behave(self, **changes: Any) -> None:
        """From now on otherwise: fields of `SmsoBehaviour`."""
        self._behaviour = replace(self._behaviour, **changes)

    def now(self) -> Micros:
        return self._clock.now()

    def send_files(self, at: Micros, times: int = 1) -> None:
        """The file set comes at `at`, so often, a minute apart, whoever holds the account then.

        In place of the one under way, if any.
        """
        self._recall_files()
        due = [at + number * MINUTE for number in range(times)]
        self._files = [self._clock.call_at(moment, self._send_files) for moment in due]

    def transfer_account(self) -> None:
        how = self._behaviour
        self.channel.ask(
            "transfer_account", self._transfer, how.transfer_takes, how.transfer, code=how.code
        )

    def take_account_back(self) -> None:
        how = self._behaviour
        self.channel.ask(
            "take_account_back", self._take_back, how.take_back_takes, how.take_back, code=how.code
        )

    def account_holder(self) -> Holder:
        return self.channel.ask("account_holder", lambda: self.holder, PARTY_TAKES)

    def listed_devices(self) -> Sequence[ListedDevice]:
        return self.channel.ask("listed_devices", lambda: self._devices, PARTY_TAKES)

    def _transfer(self) -> None:
        self._hand_over("transfer_account", to=Holder.DCC)
        if self._behaviour.files_after is not None:
            self.send_files(self._clock.now() + self._behaviour.files_after, self.copies)

    def _take_back(self) -> None:
        self._hand_over("take_account_back", to=Holder.SMSO)
        self._recall_files()

    def _recall_files(self) -> None:
        for appointment in self._files:
            appointment.cancel()

    def _hand_over(self, operation: str, *, to: Holder) -> None:
        if self.holder is to:
            raise Rejected("already-held", f"the {to} holds the account")
        self.holder = to
        self.executed[operation] = self.executed.get(operation, 0) + 1

    def _send_files(self) -> None:
        complete = self._behaviour.files_complete
        self._inbox.deliver(FileReceived("RFS", complete, self._file_devices))
