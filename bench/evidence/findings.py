"""What `verify` says, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bench.errors import ExitCode
from bench.evidence.manifest import Manifest


class State(StrEnum):
    """A check that cannot be made proves nothing, and that is said."""

    PROVEN = "proven"
    UNPROVEN = "unproven"
    TAMPERED = "tampered"


@dataclass(frozen=True, slots=True)
class Finding:
    """`about` is a word for what was looked at, `said` a sentence without its full stop."""

    state: State
    about: str
    said: str


@dataclass(frozen=True, slots=True)
class Verification:
    """All that was found. `notes` say what a reader must know and no check can decide.

    `result` is the in-toto word for the run; empty where the pack could not be read so far.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    manifest: Manifest | None = None
    result: str = ""

    @property
    def exit_code(self) -> ExitCode:
        """0 all proven, 1 tampered, 3 something unproven."""
        states = {finding.state for finding in self.findings}
        if State.TAMPERED in states:
            return ExitCode.FAIL
        return ExitCode.INCONCLUSIVE if State.UNPROVEN in states else ExitCode.PASS


def proven(about: str, said: str) -> Finding:
    return Finding(State.PROVEN, about, said)


def unproven(about: str, said: str) -> Finding:
    return Finding(State.UNPROVEN, about, said)


def tampered(about: str, said: str) -> Finding:
    return Finding(State.TAMPERED, about, said)


def some(names: list[str], shown: int = 3) -> str:
    """The first of many names, and how many more there are."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
