"""One thing that was looked at, what is with it, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """`attention` and `not checked` do not keep a station from being run on; the others do."""

    OK = "ok"
    MISSING = "missing"
    WRONG_DEVICE = "wrong device"
    BUSY = "busy"
    FAULTY = "faulty"
    ATTENTION = "attention"
    NOT_CHECKED = "not checked"

    @property
    def stops(self) -> bool:
        return self in _STOPPING


_STOPPING = frozenset((Condition.MISSING, Condition.WRONG_DEVICE, Condition.BUSY, Condition.FAULTY))


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject`: a device, a piece of kit, or a part of the machine. `next_step`: what to do; empty
    only where there is nothing to do.
    """

    subject: str
    condition: Condition
    detail: str
    next_step: str = ""

    def as_json(self) -> dict[str, str]:
        return {
            "subject": self.subject,
            "condition": str(self.condition),
            "detail": self.detail,
            "next-step": self.next_step,
        }
