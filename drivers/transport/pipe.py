"""The byte pipe every driver talks through, and that captures and pipe faults wrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from bench.clock import Clock
from bench.units import Micros
from drivers.transport.line import LineSettings


@dataclass(frozen=True, slots=True)
class SecretSpan:
    """Octets `start` to `end` (exclusive) of a write are key material: the key `reference` names.

    The reference is a name (`electricity/guek/v2`), never anything computed from the key itself.
    """

    start: int
    end: int
    reference: str


class Transport(Protocol):
    """A byte pipe to one port. Deadlines are absolute and belong to the caller.

    Silence is not an error here: `read` answers b"" and the driver says what that means. A port
    that vanished raises `PortGone`, from then on and from every call, until `reopen` brings it
    back; what had arrived before is still handed out first. Not safe for several threads at once:
    one owner, or a `SharedBus`.
    """

    @property
    def port(self) -> str:
        """The port as the station file names it."""

    @property
    def clock(self) -> Clock: ...

    @property
    def line(self) -> LineSettings:
        """What this side is set to."""

    @property
    def received_at(self) -> Micros:
        """When the octets that `read` handed out last had arrived."""

    def write(self, data: bytes, secrets: Sequence[SecretSpan] = ()) -> None:
        """Hands `data` to the line; may return before the last bit has left.

        `secrets` marks key material in `data`, for whoever records what passes.
        """

    def read(self, deadline: Micros) -> bytes:
        """What has come, at least one octet, or b"" once `deadline` is reached; never later.

        A deadline already past takes what is there. Raises `Cancelled`.
        """

    def discard_input(self) -> None:
        """Throws away what has arrived and was not read. What is still on its way comes later:
        see `quiet`."""

    def set_line(self, settings: LineSettings) -> None:
        """Changes this side's settings once everything written has left. Keeps what arrived."""

    def reopen(self, until: Micros) -> None:
        """Closes the port and opens it again, by the same name, as soon as it is there.

        Input not read is lost. Raises `PortGone` once `until` is reached.
        """

    def close(self) -> None:
        """Gives the port and its lock back; safe to repeat."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def quiet(transport: Transport, for_: Micros, until: Micros) -> bool:
    """Reads and drops until the line was silent for `for_`; False if it still talks at `until`.

    For after a time-out: a late answer must not be taken as the answer to the next question.
    `for_` must be longer than the slowest answer of anything on the line.
    """
    clock = transport.clock
    silent_since = clock.now()
    while True:
        silent_until = silent_since + for_
        if not transport.read(min(silent_until, until)):
            return silent_until <= until
        if clock.now() >= until:
            return False
        silent_since = clock.now()
