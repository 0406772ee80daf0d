"""Four families of error, each saying who must act, each with its exit code.

========================  ====  =====================================================
family                    exit  who must act
========================  ====  =====================================================
`UsageError`                 2  the user: a file or the command line is wrong
`PeerError`                  1  whoever owns the device or party on the other side
`BenchError`                 4  whoever keeps the bench: a port, relay, lock, disk
anything else               70  the authors of this program: it is a bug
========================  ====  =====================================================

A fault of the bench is never booked against a device: a `BenchError` ends a scenario as
*bench-error*, not as *fail*.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the command's exit code says; the same for every subcommand."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    INCONCLUSIVE = 3
    BENCH = 4
    BUG = 70


@dataclass(frozen=True, slots=True)
class Problem:
    """One complaint about one place of the user's input.

    `line` and `column` count from 1 and are 0 where there is none; `path` names the place inside
    the document (`scenarios[2].expect.outcome`).
    """

    file: str
    message: str
    line: int = 0
    column: int = 0
    path: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}"
            if self.column:
                place += f":{self.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class UsageError(Exception):
    """The user's files or command line are wrong. Carries every problem, not just the first."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE

    def __init__(
        self, problems: str | Problem | Iterable[str | Problem], *, hint: str = ""
    ) -> None:
        if isinstance(problems, str | Problem):
            self.problems: tuple[str | Problem, ...] = (problems,)
        else:
            self.problems = tuple(problems)
        self.hint = hint
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PeerError(Exception):
    """The device or party on the other side did not do what was asked of it.

    `peer` is its name on the station (`electricity`, `SMSO`), `operation` what was asked, `code`
    what it answered, if anything.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAIL

    def __init__(self, peer: str, operation: str, detail: str = "", *, code: str = "") -> None:
        self.peer = peer
        self.operation = operation
        self.detail = detail
        self.code = code
        says = type(self).says + (f" ({code})" if code else "") + (f": {detail}" if detail else "")
        super().__init__(f"{peer}: {operation}: {says}")

    says: ClassVar[str] = "failed"


class NoReply(PeerError):
    """Nothing came back in time, and the request changes nothing: it is safe to repeat."""

    says = "no reply"


class Garbled(PeerError):
    """Something came back that is not an answer: a bad checksum, a cut frame, another's reply."""

    says = "garbled reply"


class Refused(PeerError):
    """The peer answered, and the answer is no. `code` is its own code."""

    says = "refused"


class AuthenticationFailed(PeerError):
    """The peer does not accept who we say we are, or is not who it says it is."""

    says = "authentication failed"


class WrongDevice(PeerError):
    """The peer answers, but it is not the device that the station file names."""

    says = "wrong device"


class Ambiguous(PeerError):
    """A request that changes something was sent and its reply was lost: done or not, nobody knows.

    Never repeat it blindly. Settle it: probe the peer, or ask.
    """

    says = "no reply to a request that changes something; done or not is unknown"


class Interrupted(Ambiguous):
    """The bench itself died between request and reply: the peer may well have answered."""


class BenchError(Exception):
    """The bench itself failed: a dead port, a stuck relay, a busy lock, a full disk."""

    exit_code: ClassVar[ExitCode] = ExitCode.BENCH

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


class PortGone(BenchError):
    """The port vanished or cannot be opened; the device behind it is not to blame."""


class Busy(BenchError):
    """Somebody else holds the port, the run folder or the relay board."""


class KitFault(BenchError):
    """The bench's own kit (relay board, reference meter) does not answer, or says no."""


class RelayStuck(BenchError):
    """A relay was switched and reads back as it was before."""
