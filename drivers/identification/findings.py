"""What identification found, and what it tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from drivers.codecs.hdlc import HdlcAddress
from drivers.codecs.iec62056_21_messages import DataSet, Identification
from drivers.transport.line import LineSettings


class Outcome(StrEnum):
    """What came of one question, or of one listening."""

    ANSWERED = "answered"
    SILENT = "silent"
    NOT_UNDERSTOOD = "not understood"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Trial:
    """One question on one line. `detail`: what was answered or heard, in a few words."""

    line: LineSettings
    question: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One entry of an association's object list."""

    class_id: int
    name: str


@dataclass(frozen=True, slots=True)
class ReadAttribute:
    """An attribute that was asked for. `value`: as text, None where the meter did not give it and
    `refusal` is what it said. `number`: the value where it is one.
    """

    class_id: int
    name: str
    index: int
    value: str | None = None
    refusal: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class SignedOn:
    """What an optical port said of itself. `readout`: its data sets, where it gave them."""

    identification: Identification
    readout: tuple[DataSet, ...] = ()
    hdlc: bool = False


@dataclass(frozen=True, slots=True)
class PublicAssociation:
    """What the public client was granted. `title`: the meter's system title, hex, if it said it.

    `refusal`: why there is no association; then nothing was read.
    """

    refusal: str = ""
    title: str = ""
    max_pdu: int = 0
    services: tuple[str, ...] = ()
    objects: tuple[ListedObject, ...] | None = None
    read: tuple[ReadAttribute, ...] = ()

    def value(self, name: str, index: int = 2) -> str | None:
        """What was read of an object, by its OBIS code."""
        for each in self.read:
            if each.name == name and each.index == index:
                return each.value
        return None


@dataclass(frozen=True, slots=True)
class MeterFound:
    """A meter: an optical port, HDLC, or both. `server` None: no HDLC address answered.

    `accepts` False: the address answered that it has no connection for the public client.
    `information`: octets of an HDLC information field that the meter takes and gives.
    """

    line: LineSettings
    signed_on: SignedOn | None = None
    server: HdlcAddress | None = None
    accepts: bool = False
    information: int = 128
    public: PublicAssociation | None = None


@dataclass(frozen=True, slots=True)
class ConsoleFound:
    """A console. `dialect`: the shipped profile whose `identify` it answered, with the fields."""

    line: LineSettings
    prompt: str
    heard: str
    dialect: str = ""
    identity: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnitFound:
    """One Modbus unit. `tables`: how many coils, inputs or registers from 0 on can be read."""

    unit: int
    identity: Mapping[str, str]
    tables: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ModbusFound:
    line: LineSettings
    units: tuple[UnitFound, ...]


Found = MeterFound | ConsoleFound | ModbusFound


@dataclass(frozen=True, slots=True)
class Findings:
    """The whole of it. `found` None: nothing that speaks a language known here."""

    port: str
    found: Found | None
    trials: tuple[Trial, ...]
    sent: int
    allowance: int
    associations: int = 0
    ended_early: str = ""

    @property
    def something_talks(self) -> bool:
        """Octets came that nobody here understands."""
        return any(
            trial.outcome in (Outcome.NOT_UNDERSTOOD, Outcome.NOT_ASKED) for trial in self.trials
        )
