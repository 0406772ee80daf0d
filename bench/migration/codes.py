"""The codes a failed step carries: the public ones, and the bench's own, which start with BENCH.

The wording of MA001 and MA002 is not public; the bench passes on what the validating party
answers. A BENCH code is no code of the MEHRS.
"""

from __future__ import annotations

from enum import StrEnum

from bench.errors import (
    Ambiguous,
    AuthenticationFailed,
    Garbled,
    NoReply,
    PeerError,
    Refused,
    WrongDevice,
)


class Code(StrEnum):
    """Each with what it means here."""

    MA122 = "MA122"  # failed at commissioning steps, reported in MRR6 [S row 5]
    GT01 = "GT01"  # gas meter with HAN errors: only the electricity meter migrates
    NO_WAN = "BENCH-NO-WAN"  # the hub is not on the WAN, also after wake-up SMS
    NO_KEY = "BENCH-NO-KEY"  # the S1SP holds no key for a device ("missing master keys")
    WRONG_KEY = "BENCH-WRONG-KEY"  # the device's key is not the one the S1SP holds
    HAN = "BENCH-HAN"  # a device is not joined to the hub's HAN
    DEVICES = "BENCH-DEVICES"  # two lists of the installation's devices differ
    NO_AUTHORISATION = "BENCH-NO-AUTHORISATION"  # a supplier did not authorise in time
    NO_SUBMISSION = "BENCH-NO-SUBMISSION"  # the Requesting Party did not submit (again)
    NO_FILE_SET = "BENCH-NO-FILE-SET"  # the RFS did not come in time
    FILE_SET_INCOMPLETE = "BENCH-FILE-SET-INCOMPLETE"  # it came, but lacked something
    ACCOUNT = "BENCH-ACCOUNT"  # the account is not where it must be
    NOT_SETTLED = "BENCH-NOT-SETTLED"  # a doubt could not be settled: parked
    INCIDENT_OPEN = "BENCH-INCIDENT-OPEN"  # an incident was not resolved in time: parked
    NO_INCIDENT = "BENCH-NO-INCIDENT"  # no incident could be raised: parked without one
    SUPPLY = "BENCH-SUPPLY"  # the supply is not on
    CLOCK = "BENCH-CLOCK"  # a meter's clock could not be set
    GIVEN_UP = "BENCH-GIVEN-UP"  # no further attempt at migration is made
    NO_REPLY = "BENCH-NO-REPLY"
    GARBLED = "BENCH-GARBLED"
    REFUSED = "BENCH-REFUSED"
    AUTHENTICATION = "BENCH-AUTHENTICATION"
    WRONG_DEVICE = "BENCH-WRONG-DEVICE"
    DOUBT = "BENCH-DOUBT"


_OF_ERROR: dict[type[PeerError], Code] = {
    NoReply: Code.NO_REPLY,
    Garbled: Code.GARBLED,
    Refused: Code.REFUSED,
    AuthenticationFailed: Code.AUTHENTICATION,
    WrongDevice: Code.WRONG_DEVICE,
    Ambiguous: Code.DOUBT,
}


def code_of(error: PeerError) -> str:
    """The peer's own code where it gave one, else the bench's for that kind of error."""
    return error.code or next(
        code for family, code in _OF_ERROR.items() if isinstance(error, family)
    )


def retryable(error: PeerError) -> bool:
    """Whether trying again could mend it: not where the device is the wrong one or shuts us out."""
    return not isinstance(error, WrongDevice | AuthenticationFailed)
