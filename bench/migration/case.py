"""One installation under migration: what the S1SP knows of it in the passage under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from bench.devices import METERS, CommsHub, Meter
from bench.effects import Effects
from bench.errors import PeerError
from bench.installation import DeviceSpec, Installation
from bench.mehrs.strategy import Strategy
from bench.migration.codes import Code
from bench.migration.defaults import Defaults
from bench.migration.undoing import Done
from bench.parties import Actor, Group, Holder, ListedDevice
from bench.trace import Account, Event, File, Incident, Report, Step
from bench.units import Micros

E = TypeVar("E", bound=Event)


class CheckFailed(Exception):
    """A check of the S1SP's did not hold; `code` says why."""

    def __init__(self, code: str, *, retryable: bool = True) -> None:
        self.code = code
        self.retryable = retryable
        super().__init__(code)


class SectionFailed(Exception):
    """A section of the process failed, and the passage with it."""

    def __init__(self, section: str, code: str) -> None:
        self.section = section
        self.code = code
        super().__init__(f"section {section}: {code}")


class Parked(Exception):
    """Something cannot be proven: the installation is parked and people must look at it."""

    def __init__(self, code: str, summary: str) -> None:
        self.code = code
        self.summary = summary
        super().__init__(f"{code}: {summary}")


@dataclass(slots=True)
class Probes:
    """Probes of a meter's key that it may have counted, or may yet count, as wrong keys.

    `denied`: since the last proof, which sets the meter's own count back. `unanswered`: ever.
    """

    denied: int = 0
    unanswered: int = 0


@dataclass(slots=True)
class Case:
    """State of one passage. Times are microseconds UTC; None means it has not happened.

    `holder` is what the S1SP knows of the account, `done` what this passage has changed in the
    world, `excluded` the devices that are left behind (GT01). `probes`: of each meter's key; they
    outlive the passage. `told`: what the trace says last of a meter's key in this passage.
    `incident`: the one raised last. `was_parked`: the passage before was.
    """

    effects: Effects
    installation: Installation
    strategy: Strategy
    defaults: Defaults
    passage: int = 1
    holder: Holder = Holder.SMSO
    mvf_at: Micros | None = None
    submitted: tuple[ListedDevice, ...] = ()
    file_set: tuple[ListedDevice, ...] = ()
    done: list[Done] = field(default_factory=list)
    excluded: set[str] = field(default_factory=set)
    probes: dict[str, Probes] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    incident: str = ""
    was_parked: bool = False

    @property
    def group(self) -> Group:
        return self.installation.group

    @property
    def hub(self) -> CommsHub:
        return self.effects.hub(self.installation.hub.name)

    @property
    def migrating(self) -> tuple[DeviceSpec, ...]:
        """The devices that migrate: all but those left behind."""
        devices = self.installation.devices
        if not self.excluded:
            return devices
        return tuple([d for d in devices if d.name not in self.excluded])

    @property
    def meters(self) -> tuple[DeviceSpec, ...]:
        """The meters that migrate, electricity first."""
        migrating = self.migrating
        return tuple([d for role in METERS for d in migrating if d.role is role])

    def meter(self, device: DeviceSpec) -> Meter:
        return self.effects.meter(device.name)

    def emit(self, kind: type[E], **fields: Any) -> None:
        """Writes an event of this installation, now; or at `at`, a time read just before."""
        if "at" not in fields:
            fields["at"] = self.effects.now()
        self.effects.emit(kind(installation=self.installation.name, **fields))

    def step(self, section: str, *, failed: str | None = None, actor: str = Actor.S1SP) -> None:
        """Records that a section was passed, or failed with a code."""
        outcome = "passed" if failed is None else "failed"
        self.emit(Step, section=section, outcome=outcome, code=failed, actor=actor)

    def file(self, name: str, action: str, actor: str | None = None) -> None:
        self.emit(File, file=name, action=action, actor=actor)

    def account(self, holder: Holder, actor: str) -> None:
        """The account is known to be with `holder`, by the doing of `actor`."""
        self.holder = holder
        self.emit(Account, holder=holder, actor=actor)

    def report(self, code: str, report: str = "other") -> None:
        """Reports a failure; MRR6 is the report of failures at commissioning [S row 5]."""
        self.emit(Report, report=report, outcome="failure", code=code, actor=Actor.S1SP)

    def raise_incident(self, summary: str) -> tuple[str, str]:
        """Raises an incident at the desk; returns its id and the acting party.

        A desk that does not answer is asked again: an incident too many does no harm, one too few
        leaves nobody to look. Raises `Parked` when it does not answer for as long as an incident
        would have been waited for.
        """
        until = self.effects.now() + self.defaults.duration("incident-wait")
        while True:
            try:
                incident, acting_party = self.effects.dsp.raise_incident(summary)
                break
            except PeerError:
                again = self.effects.now() + self.defaults.duration("settle-interval")
                if again > until:
                    raise Parked(
                        Code.NO_INCIDENT, "the incident desk does not take an incident"
                    ) from None
                self.effects.sleep_until(again)
        self.emit(
            Incident,
            incident=incident,
            outcome="raised",
            acting_party=acting_party,
            actor=Actor.S1SP,
        )
        self.incident = incident
        return incident, acting_party
