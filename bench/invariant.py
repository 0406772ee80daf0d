"""What every device must keep, whatever a scenario does: the names by which a breach is found.

None of them is a requirement of the MEHRS; they are what the bench itself asks of a device.
"""

from __future__ import annotations

from enum import StrEnum


class Invariant(StrEnum):
    """Named for the breach. `bench.conduct` says how each is seen.

    From `ACKNOWLEDGED` on it is about answers: not judged of a device that a fault of the scenario
    strikes, for its answers may be the fault's.
    """

    SUPPLY = "supply-interrupted"
    REGISTERS = "registers-fell"
    BALANCE = "balance-lost"
    CLOCK = "clock-off"
    RESTARTED = "restarted"
    IDENTITY = "wrong-identity"
    HAN = "left-the-han"
    KEY_LOST = "key-lost"
    COUNTER = "counter-fell"
    LOCKED = "locked-out"
    MISCOUNTED = "registers-wrong"
    ACKNOWLEDGED = "acknowledged-not-done"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    FALSE_PROOF = "false-proof"
    KEY_DENIED = "key-denied"
    UNHEARD = "unheard"
    OFF_THE_WAN = "off-the-wan"

    @property
    def of_answers(self) -> bool:
        members = list(Invariant)
        return members.index(self) >= members.index(Invariant.ACKNOWLEDGED)
