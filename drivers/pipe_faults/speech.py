"""What a fault must know of the protocol on the pipe: to change a message and keep it sound.

Every function takes octets as they pass, from `request` of the bench and `answer` of the device,
and returns None where there is nothing in them for it to work on.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol


class WireProtocol(StrEnum):
    """What is spoken on a pipe."""

    DLMS = "dlms"  # over HDLC, and the IEC 62056-21 sign-on before it
    MODBUS = "modbus"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A request and the whole answer to it, as the device gave it."""

    request: bytes
    answer: bytes


class Refusing(StrEnum):
    """The ways a device says no."""

    REFUSED = "refused"
    BUSY = "busy"


class Speech(Protocol):
    """One protocol, as the faults need it."""

    @property
    def protocol(self) -> WireProtocol: ...

    @property
    def operations(self) -> frozenset[str]:
        """All names that `operation` gives."""

    def operation(self, request: bytes) -> str:
        """A name for what is asked, such as `get` or `read-holding-registers`; `other` if none."""

    def withheld(self, request: bytes) -> bytes:
        """What may be sent in the request's place so that the device does not carry it out.

        Empty where nothing need be sent; something harmless where silence would break the link.
        """

    def refusal(self, request: bytes, answer: bytes, how: Refusing, code: str) -> bytes | None:
        """The device's no; `answer` is what it said to `withheld`. `code` empty: the usual one."""

    def refusal_problem(self, code: str) -> str | None:
        """Why the device cannot say no with `code`; empty: the usual one."""

    def unknown(self, request: bytes, answer: bytes) -> bytes | None:
        """A sound message of a kind that the protocol does not have."""

    def to_another(
        self, request: bytes, answer: bytes, earlier: Sequence[Exchanged]
    ) -> bytes | None:
        """A sound answer, but to another question."""


class Checked(Protocol):
    """A protocol whose messages carry a checksum and an address."""

    def altered(self, answer: bytes, rng: random.Random) -> bytes | None:
        """Other content, and the checksums right for it."""

    def from_another(self, answer: bytes) -> bytes | None:
        """The same, as another device on the line would have said it."""


OTHER: Final = "other"


def different(request: bytes, answer: bytes, earlier: Sequence[Exchanged]) -> Exchanged | None:
    """The newest earlier exchange that asked and answered something else."""
    for exchanged in reversed(earlier):
        if exchanged.answer and exchanged.request != request and exchanged.answer != answer:
            return exchanged
    return None
