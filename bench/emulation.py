"""What the runner and an emulated installation agree on: behaviours, faults and the truth.

The emulators implement `EmulatedWorld` and are found through the entry point
`smets1_bench.emulators`; `bench` never imports them. The process never sees this module: faults
live in the device, the pipe or the party.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from bench.clock import Clock
from bench.devices import Device, Identity, KeySlot, Measurement, SupplyState
from bench.installation import Installation
from bench.parties import Holder, Inbox, Parties
from bench.secret import Secret
from bench.trace import Event
from bench.units import DAY, HOUR, MINUTE, Micros

EMULATED_MARK: Final = "[EMULATED]"
"""Stands in the manufacturer's name that every emulated device states, on whatever port."""


def marked_emulated(manufacturer: str) -> str:
    """What an emulated device states as its manufacturer, so that nobody takes it for real kit."""
    return f"{manufacturer} {EMULATED_MARK}".strip()


def is_emulated(identity: Identity) -> bool:
    """Whether a device that states this identity is one of the bench's emulators."""
    return EMULATED_MARK in identity.manufacturer


class Reply(StrEnum):
    """How a party takes a request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # does not do it and says so
    SILENT = "silent"  # does not do it and does not answer
    REPLY_LOST = "reply-lost"  # does it, and the answer is lost


class Books(StrEnum):
    """What a party's list of the installation's devices says."""

    RIGHT = "right"
    WRONG_DEVICE = "wrong-device"  # one EUI-64 is another device's
    MISSING_DEVICE = "missing-device"


@dataclass(frozen=True, slots=True)
class SmsoBehaviour:
    """`files_after`: from the transfer to the RFS reaching the S1SP; None: it never comes."""

    transfer: Reply = Reply.ACCEPTED
    transfer_takes: Micros = 5 * MINUTE
    take_back: Reply = Reply.ACCEPTED
    take_back_takes: Micros = 5 * MINUTE
    code: str = ""
    files_after: Micros | None = HOUR
    files_complete: bool = True
    files: Books = Books.RIGHT
    books: Books = Books.RIGHT


@dataclass(frozen=True, slots=True)
class RequestingPartyBehaviour:
    """`wait`/`repeats` override the strategy's 3.4.1 (a party that does not keep it)."""

    submits_after: Micros | None = 10 * MINUTE
    lists: Books = Books.RIGHT
    wait: Micros | None = None
    repeats: int | None = None


@dataclass(frozen=True, slots=True)
class SupplierBehaviour:
    """`authorises_after`: from the opening (single) or the week's start (split); None: never."""

    authorises_after: Micros | None = HOUR


@dataclass(frozen=True, slots=True)
class MccBehaviour:
    """The split-supply calendar, and what validation by 2.3.2 answers.

    `code` set: authorisations are rejected with it, for `rejects` validations (None: always).
    """

    first_week_after: Micros = 2 * DAY
    weeks_every: Micros = 14 * DAY
    weeks: int = 2
    code: str = ""
    rejects: int | None = None
    eligible: bool = True


@dataclass(frozen=True, slots=True)
class DspBehaviour:
    """`smi_failures`: how many CHF updates fail before one works (None: all of them)."""

    smi: Reply = Reply.ACCEPTED
    smi_failures: int | None = None
    code: str = ""
    acting_party: str = "DSP"
    resolves_after: Micros | None = 6 * HOUR


@dataclass(frozen=True, slots=True)
class IocS1spBehaviour:
    """Section 2.4.5; `code` set: the common validation rejects with it."""

    code: str = ""
    silent: bool = False


@dataclass(frozen=True, slots=True)
class PartyBehaviours:
    smso: SmsoBehaviour = SmsoBehaviour()
    requesting_party: RequestingPartyBehaviour = RequestingPartyBehaviour()
    suppliers: Mapping[str, SupplierBehaviour] = field(default_factory=dict)
    mcc: MccBehaviour = MccBehaviour()
    dsp: DspBehaviour = DspBehaviour()
    ioc_s1sp: IocS1spBehaviour = IocS1spBehaviour()


@dataclass(frozen=True, slots=True)
class Moment:
    """When a fault strikes. Exactly one of `after`, `on`, `request` is set.

    `after`: span since the first opening. `on`: fields of a trace event (as on its line), of which
    the `nth` match counts. `request`: the `nth` request of that operation to the target (`*`: any).
    """

    after: Micros | None = None
    on: Mapping[str, str] | None = None
    request: str | None = None
    nth: int = 1


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """A fault by name, its target (a device's name) and when it strikes.

    `lasts`: for faults that end by themselves (None: for good). `times`: for request faults, how
    many requests from the moment on are hit. `code`: what a refusal says. `by`: how far a clock is
    stepped (microseconds, negative for back) or how fast it drifts (parts per million).
    """

    fault: str
    target: str
    moment: Moment
    lasts: Micros | None = None
    times: int = 1
    code: str = ""
    by: int | None = None


class Answer(StrEnum):
    """What a device said to a request."""

    DONE = "done"
    REFUSED = "refused"
    NONE = "none"  # nothing, or nothing that could be understood


@dataclass(frozen=True, slots=True)
class Act:
    """One request that an emulated device on a line took, and what it answered.

    `operation`: of the common interface (`bench.devices`); `what`: which object or command, so that
    a repeated request is known. `at`: when it was taken; `answered`: when the answer left. `code`:
    the device's word for a refusal, `wrong-key` where a proof failed. `key`: the check value of the
    key held after a request about a key.
    """

    device: str
    operation: str
    what: str
    at: Micros
    answered: Micros
    answer: Answer
    code: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class KeyTruth:
    """What a device really holds in a slot. `counter`: the newest seen; None: nobody knows."""

    version: int
    check_value: str
    counter: int | None = None


class Unknown(StrEnum):
    """What could not be read back of a real device."""

    KEYS = "keys"
    SUPPLY = "supply"
    REGISTERS = "registers"
    BALANCE = "balance"


@dataclass(frozen=True, slots=True)
class DeviceTruth:
    """The emulated device's own state, not what anybody was told.

    `outages`: spans during which the supply was off. `registers_fell`: a register was lower than
    before at some moment. `balance_lost`: a prepayment balance changed other than by consumption.
    `power_cuts`: spans without mains, which no party to the process causes. `unknown`: what nobody
    could find out of a device that cannot be looked into (`bench.reading_back`); what such a truth
    says of it stands for nothing. `executed`: how often
    each operation that changes something was carried out, answered or not. `wake_ups`: SMS sent
    to a hub, arrived or not: each was paid for. `clock_error`: by how much its clock is fast.
    `power_ups`: its starts so far, `up_since`: the last of them. `joined`: whether it is a member
    of its HAN. `fell_at`, `lost_at`: when a register fell and a balance was lost last. All of these
    are None where nobody knows, or the device has no such thing.
    """

    keys: Mapping[KeySlot, KeyTruth]
    supply: SupplyState | None = None
    outages: tuple[tuple[Micros, Micros | None], ...] = ()
    registers_fell: bool = False
    balance: Decimal | None = None
    balance_lost: bool = False
    executed: Mapping[str, int] = field(default_factory=dict)
    wake_ups: int = 0
    locked_until: Micros | None = None
    security_log: tuple[str, ...] = ()
    power_cuts: tuple[tuple[Micros, Micros | None], ...] = ()
    unknown: frozenset[Unknown] = frozenset()
    clock_error: Micros | None = None
    power_ups: int | None = None
    joined: bool | None = None
    up_since: Micros | None = None
    fell_at: Micros | None = None
    lost_at: Micros | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """What is really so: the SMSO's and the DCC's books, the SMI, every device.

    `executed`: for each party asked to change something, how often it did so, answered or not.
    """

    account: Holder
    chf_updated: bool
    devices: Mapping[str, DeviceTruth]
    executed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Try:
    """One submission: when it was made and when its answer came."""

    started: Micros
    ended: Micros


class ResubmissionPolicy(Protocol):
    """When the Requesting Party tries again; None: it gives up, and `reason` says why."""

    def next_at(self, tries: Sequence[Try]) -> Micros | None: ...

    @property
    def reason(self) -> str: ...


HELD: Final = "request-held"
"""The fate of a request that is on its way until it is let through."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one request. `fault`: `HELD`, a request fault's name, or '' for nothing.

    `lasts`: as of a `FaultSpec`. `let_through`: the numbers, from 0, of held requests that are
    taken up just before this one.
    """

    fault: str = ""
    let_through: Sequence[int] = ()
    lasts: Micros | None = None


class Script(Protocol):
    """Says of each request to a device or asked party, as it is made, what becomes of it."""

    def fate(self, target: str, operation: str) -> Fate: ...


class EmulatedWorld(Protocol):
    """One emulated installation with its parties, on one clock."""

    @property
    def devices(self) -> Mapping[str, Device]:
        """Every device of the installation by name, ready to be asked."""

    @property
    def parties(self) -> Parties: ...

    def arm(self, fault: FaultSpec) -> None:
        """Makes a fault strike at its moment. `UsageError`: unknown fault or target."""

    def follow(self, script: Script) -> Callable[[], None]:
        """Has `script` say what becomes of every request from now on.

        Returns what lets all requests through that are still held.
        """

    def measure(self, device: str) -> Measurement:
        """What a reference meter in the feed of an electricity meter would read now."""

    def observe(self, event: Event) -> None:
        """Sees every event the process emits; only `Moment.on` uses it."""

    def unstruck(self) -> Sequence[FaultSpec]:
        """The armed faults that have not struck anything so far."""

    def truth(self) -> Truth: ...

    def wake_ups(self) -> int:
        """SMS sent to the hub, arrived or not; `truth` says it too, among all the rest."""


class WorldFactory(Protocol):
    """The entry point `installation` of group `smets1_bench.emulators`."""

    def __call__(
        self,
        installation: Installation,
        *,
        clock: Clock,
        seed: int,
        inbox: Inbox,
        behaviours: PartyBehaviours,
        resubmission: ResubmissionPolicy | None,
        device_keys: Mapping[tuple[str, KeySlot], Secret],
    ) -> EmulatedWorld: ...
