"""The other parties of a migration, as the processing S1SP (the bench) meets them.

The bench plays the processing S1SP. What it asks of another party is a method here; what reaches
it unasked or later arrives as a message in its `Inbox`. Calls may raise `NoReply`, `Refused` and,
where they change something, `Ambiguous` (`bench.errors`), which `account_holder` or
`chf_record` settles.

What is exchanged is in the public papers; its form (file schemas, code wording) is not, so the
forms here are the bench's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bench.clock import Cancellation, Clock
from bench.devices import Role
from bench.units import Micros


class Actor(StrEnum):
    """Names of parties as they stand in a trace. A supplier goes by its own name."""

    S1SP = "S1SP"
    IOC_S1SP = "IOC S1SP"
    SMSO = "SMSO"
    DSP = "DSP"
    REQUESTING_PARTY = "Requesting Party"
    COMMISSIONING_PARTY = "Commissioning Party"
    MCC = "MCC"


class Group(StrEnum):
    """GroupID. `DA` = MOC (Secure) [S]; `EA` belongs to FOC [C]; `IOC`, `MDS`: our names."""

    IOC = "IOC"
    MDS = "MDS"
    DA = "DA"
    EA = "EA"


class Holder(StrEnum):
    """Who controls the installation's account."""

    SMSO = "SMSO"
    DCC = "DCC"


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device as a submission, the SMSO's books or the device list of an installation name it."""

    name: str
    role: Role
    eui64: str
    manufacturer: str
    model: str


@dataclass(frozen=True, slots=True)
class Validation:
    """A yes or no to a question of validation; `code` says why not (or qualifies a yes)."""

    accepted: bool
    code: str = ""


@dataclass(frozen=True, slots=True)
class Week:
    """A week the MCC designates for a split-supply installation [C s5]; half open, UTC."""

    start: Micros
    end: Micros


@dataclass(frozen=True, slots=True)
class AuthorisationReceived:
    """A supplier's Migration Authorisation reached the S1SP."""

    supplier: str
    submitted: Micros


@dataclass(frozen=True, slots=True)
class SubmissionReceived:
    """The Requesting Party submits the installation; `number` counts its tries from 1."""

    number: int
    submitted: Micros
    devices: tuple[ListedDevice, ...]


@dataclass(frozen=True, slots=True)
class SubmissionsEnded:
    """The Requesting Party will not try again; `reason` in its own words."""

    reason: str


@dataclass(frozen=True, slots=True)
class FileReceived:
    """A file reached the S1SP. `complete` False: it lacks something that it must hold."""

    file: str
    complete: bool
    devices: tuple[ListedDevice, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentResolved:
    incident: str
    acting_party: str


Message = (
    AuthorisationReceived | SubmissionReceived | SubmissionsEnded | FileReceived | IncidentResolved
)


class Inbox:
    """What has reached the S1SP and was not taken yet, in order of arrival, each with its time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._messages: list[tuple[Micros, Message]] = []

    def deliver(self, message: Message) -> None:
        """Called by parties, from the clock's agenda."""
        self._messages.append((self._clock.now(), message))
        self._clock.wake()

    def take(
        self,
        kinds: tuple[type[object], ...],
        until: Micros,
        cancellation: Cancellation | None = None,
    ) -> tuple[Micros, Message] | None:
        """The oldest message of one of `kinds`, with its arrival; None if `until` came first."""

        def ready() -> bool:
            return any(isinstance(message, kinds) for _, message in self._messages)

        if not self._clock.wait(ready, until, cancellation):
            return None
        for index, (_, message) in enumerate(self._messages):
            if isinstance(message, kinds):
                return self._messages.pop(index)
        return None

    def clear(self) -> None:
        """Throws away what belongs to a passage that has closed."""
        self._messages.clear()


class Smso(Protocol):
    """The Smart Metering System Operator that held the account before."""

    def transfer_account(self) -> None:
        """Asks for the transfer of account control to the DCC Total System [S row 10].

        Returns when the SMSO has done it; the S1SP Required File Set follows into the inbox.
        Settle `Ambiguous` with `account_holder`.
        """

    def take_account_back(self) -> None:
        """The switch-back of [S row 12]. Settle `Ambiguous` with `account_holder`."""

    def account_holder(self) -> Holder: ...

    def listed_devices(self) -> Sequence[ListedDevice]:
        """The devices of the installation as the SMSO's books have them."""


class RequestingParty(Protocol):
    """Submits the installation; for group EA it repeats a failed attempt by 3.4.1 [C s5]."""

    def open(self) -> None:
        """A passage has opened: the party will submit when it is ready."""

    def answer(self, number: int, result: Validation, *, retryable: bool) -> None:
        """The S1SP's answer to submission `number`. The party decides whether it tries again."""


class SupplierParty(Protocol):
    """A supplier; it authorises when it is ready (for split supply: in its week)."""

    @property
    def name(self) -> str: ...

    def open(self, weeks: Sequence[Week]) -> None:
        """A passage has opened; `weeks` is the MCC's calendar for it, empty for single supply."""


class Mcc(Protocol):
    """Migration Control Centre: publishes the split-supply calendar, validates authorisations."""

    def calendar(self) -> Sequence[Week]:
        """The weeks designated for this installation from now on, earliest first."""

    def validate(self, authorisation: AuthorisationReceived) -> Validation:
        """Section 2.3.2; codes such as MA001, MA002 (wording not public) and MA110."""


class Dsp(Protocol):
    """DCC's Data Service Provider with the Smart Metering Inventory and the incident desk."""

    def update_chf(self) -> None:
        """Updates the CHF record on the SMI [S row 2]. Settle `Ambiguous` with `chf_updated`."""

    def chf_updated(self) -> bool: ...

    def raise_incident(self, summary: str) -> tuple[str, str]:
        """Raises an incident; returns its id and the acting party that must resolve it."""


class IocS1sp(Protocol):
    """The IOC S1SP in its Migration Common Validation Function role [S row 8]."""

    def validate_common(self, devices: Sequence[ListedDevice]) -> Validation:
        """Section 2.4.5."""


@dataclass(frozen=True, slots=True)
class Parties:
    """Everybody the processing S1SP deals with."""

    smso: Smso
    requesting_party: RequestingParty
    suppliers: Mapping[str, SupplierParty]
    mcc: Mcc
    dsp: Dsp
    ioc_s1sp: IocS1sp
