"""Whose fault a code says it is, and what it means in a sentence.

Codes that are not the bench's own (MA001, a device's own code) are blamed on whoever gave them:
their wording is not public, so none is made up here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from bench.migration.codes import Code
from bench.parties import Actor


class Blame(StrEnum):
    """Who must act. What the bench did wrong has no code: it is an outage, or a withdrawal."""

    DEVICE = "device"
    PARTY = "party"
    NOBODY = "not known"


_SAID: Final[Mapping[str, tuple[Blame, str]]] = {
    Code.GT01: (Blame.DEVICE, "the gas meter has HAN errors"),
    Code.NO_WAN: (Blame.DEVICE, "the communications hub is not on the WAN"),
    Code.NO_KEY: (Blame.PARTY, "the S1SP was given no key for the device"),
    Code.WRONG_KEY: (Blame.DEVICE, "the device does not hold the key that the S1SP holds"),
    Code.HAN: (Blame.DEVICE, "a device is not joined to the hub's HAN"),
    Code.DEVICES: (Blame.PARTY, "two lists of the installation's devices differ"),
    Code.NO_AUTHORISATION: (Blame.PARTY, "a supplier did not authorise in time"),
    Code.NO_SUBMISSION: (Blame.PARTY, "the Requesting Party did not submit"),
    Code.NO_FILE_SET: (Blame.PARTY, "the RFS did not come in time"),
    Code.FILE_SET_INCOMPLETE: (Blame.PARTY, "the RFS came, but lacked something"),
    Code.ACCOUNT: (Blame.PARTY, "the account is not where it must be"),
    Code.NOT_SETTLED: (Blame.NOBODY, "a doubt could not be settled"),
    Code.INCIDENT_OPEN: (Blame.PARTY, "the incident was not resolved in time"),
    Code.SUPPLY: (Blame.DEVICE, "the supply is not on"),
    Code.CLOCK: (Blame.DEVICE, "the meter's clock could not be set"),
    Code.GIVEN_UP: (Blame.NOBODY, "no further attempt at migration is made"),
    Code.NO_REPLY: (Blame.DEVICE, "no reply came"),
    Code.GARBLED: (Blame.DEVICE, "the reply could not be read"),
    Code.REFUSED: (Blame.DEVICE, "the request was refused"),
    Code.AUTHENTICATION: (Blame.DEVICE, "authentication failed"),
    Code.WRONG_DEVICE: (Blame.DEVICE, "another device answered than the one named"),
    Code.DOUBT: (Blame.DEVICE, "the reply was lost, so done or not is unknown"),
}

_WHOSE: Final[Mapping[str, str]] = {
    Code.NO_KEY: "whoever hands over the keys",
    Code.DEVICES: "whoever keeps the lists",
    Code.NO_AUTHORISATION: "the supplier",
    Code.NO_SUBMISSION: Actor.REQUESTING_PARTY,
    Code.NO_FILE_SET: Actor.SMSO,
    Code.FILE_SET_INCOMPLETE: Actor.SMSO,
    Code.ACCOUNT: Actor.SMSO,
    Code.INCIDENT_OPEN: "the incident's acting party",
}

_ANYBODYS: Final = frozenset(
    {Code.NO_REPLY, Code.GARBLED, Code.REFUSED, Code.AUTHENTICATION, Code.DOUBT}
)
"""Codes for what an asked peer did; in a section where a party is asked they are the party's."""

_ASKED_PARTY: Final[Mapping[str, str]] = {
    "2.3.2": "the party that validates authorisations",
    "2.4.5": Actor.IOC_S1SP,
    "2.5.1.1": Actor.SMSO,
    "2.5.2": Actor.SMSO,
    "2.6.6": Actor.DSP,
}
"""Whom the S1SP asks in a section."""


_PARTIES: Final = frozenset(actor.value for actor in Actor)


def _named(party: str) -> str:
    """As it stands in a sentence: `the SMSO`, `Alder Energy`."""
    return f"the {party}" if party in _PARTIES else party


def meaning(code: str | None) -> str:
    """What the code means; empty where its wording is not public."""
    return _SAID[code][1] if code is not None and code in _SAID else ""


def blame(code: str | None, section: str, actor: str | None) -> tuple[Blame, str]:
    """Who must act, and a name for them where one is known.

    `actor` is whoever did the failed step; where that is not the S1SP it is the party's own.
    """
    party = _ASKED_PARTY.get(section, "")
    if code is not None and code in _SAID and not (code in _ANYBODYS and party):
        return _SAID[code][0], _named(_WHOSE.get(code, ""))
    if actor and actor not in (Actor.S1SP, Actor.COMMISSIONING_PARTY):
        return Blame.PARTY, _named(actor)
    if party:
        return Blame.PARTY, _named(party)
    if section == "commissioning" or section.startswith(("2.6", "3.")):
        return Blame.DEVICE, ""
    return Blame.NOBODY, ""
